import ControlAPI
import Ledger
import Tracking

extension Control {
    static let webhookRoutes = [
        Route(
            .get, "/webhooks", "Who is told of which events", .administer, query: Route.list(["id", "-id"], []),
            output: .json(.page(.named(.webhook)))
        ) { call in
            let hooks = call.plant.webhooks.values.filter { !$0.retired }
            return try call.list(hooks, by: { String(repeating: "0", count: 19 - $0.id.utf8.count) + $0.id }) {
                $0.json
            }
        },
        Route(
            .post, "/webhooks", "Have events of some kinds sent to an address, from now on", .administer,
            input: .json([
                Property("url", .form(.webhook), "With a host, without a user and a fragment."),
                Property("kinds", .list(.word(EventKind.self), count: 1...Int.max, isUnique: true)),
            ]), output: .json(.named(.webhook), status: 201)
        ) { call in
            let url = call.field("url")
            guard WebhookClient.takes(url) else {
                throw Problem(
                    .invalidArgument, "`url` must be http:// or https:// with a host, without a user and a fragment")
            }
            let command = Command.addWebhook(url: url, kinds: call.fields("kinds").compactMap(EventKind.init))
            let secret = try call.ledger.webhookSecrets
            return try await call.submit(command, status: 201) { state, decision in
                guard let id = decision.created, let hook = state.plant.webhooks[id] else { return [:] }
                var object = hook.json.object ?? [:]
                object["secret"] = .string(secret(id))
                return .object(object)
            }
        },
        Route(
            .get, "/webhooks/{id}", "One webhook, with the secret that signs what it gets", .administer,
            output: .json(.named(.webhook))
        ) { call in
            var object = try call.webhook().json.object ?? [:]
            object["secret"] = .string(try call.ledger.webhookSecrets(call.path("id")))
            return call.json(.object(object))
        },
        Route(
            .delete, "/webhooks/{id}", "Send nothing to an address any more", .administer,
            output: .json(.named(.webhook))
        ) { call in
            try await call.submit(.removeWebhook(call.path("id"))) { state, decision in
                decision.created.flatMap { state.plant.webhooks[$0]?.json } ?? [:]
            }
        },
        Route(
            .get, "/webhooks/{id}/deliveries", "Events that a webhook did not take yet, or that were given up",
            .administer,
            query: Route.list(
                ["event", "-event"], [.init("status", .choice(["pending", "dead"]), "In this status.")]),
            output: .json(.page(.named(.webhookDelivery)))
        ) { call in
            let (id, page) = (try call.webhook().id, call.page)
            let dead = call.query["status"]?.string.map { $0 == "dead" }
            let now = call.control.clock()
            return call.list(try await call.read { try $0.outbox(webhook: id, dead: dead, page) }) { $0.json(at: now) }
        },
        Route(
            .post, "/webhooks/{id}/deliveries/{event}/retry", "Send an event again at once", .administer,
            input: .json([]), output: .json(.named(.webhookDelivery))
        ) { call in
            guard let event = Int64(call.path("event")) else { throw call.notFound("event", call.path("event")) }
            let now = call.control.clock()
            return try await call.submit(.retryDelivery(webhook: call.path("id"), event: event)) { _, decision in
                decision.outbox?.delivery.json(at: now) ?? [:]
            }
        },
    ]
}

extension Call {
    /// The webhook that the path names.
    fileprivate func webhook() throws(Problem) -> Webhook {
        guard let hook = plant.webhooks[path("id")], !hook.retired else { throw notFound("webhook", path("id")) }
        return hook
    }
}

extension Webhook {
    fileprivate var json: JSONValue {
        [
            "id": .string(id), "url": .string(url), "kinds": .array(kinds.map { .string($0.rawValue) }),
            "created_at": .init(time: createdAt), "retired": .bool(retired),
        ]
    }
}

extension WebhookDelivery {
    fileprivate func json(at now: Moment) -> JSONValue {
        JSONValue(omittingNil: [
            "event": .string(String(event)), "webhook": .string(webhook), "status": isDead ? "dead" : "pending",
            "attempts": .int(attempts), "next_at": isDead ? nil : .init(time: now.wall(atSteady: nextAt)),
            "problem": .init(problem),
        ])
    }
}

extension Resource {
    static func webhookProperties(_ resource: Resource) -> [Property] {
        switch resource {
        case .webhook:
            [
                Property("id", .text), Property("url", .text), Property("kinds", .list(.choice(EventKind.self))),
                Property("created_at", .time), Property("retired", .flag),
                Property("secret", .text, "Signs what is sent; not in lists.", optional: true),
            ]
        case .webhookDelivery:
            [
                Property("event", .text), Property("webhook", .text), Property("status", .choice(["pending", "dead"])),
                Property("attempts", .count), Property("next_at", .time, optional: true),
                Property("problem", .text(65_536), "Why the last attempt failed.", optional: true),
            ]
        default: []
        }
    }
}
