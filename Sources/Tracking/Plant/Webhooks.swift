/// Somebody who is told of events by HTTP.
public struct Webhook: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that made it.
    public var id: String
    /// Where events are sent to.
    public var url: String
    /// Which events.
    public var kinds: [EventKind]
    /// When it was made, in milliseconds since 1970.
    public var createdAt: Int64
    /// Nothing is sent any more.
    public var retired = false
}

/// An event on its way to a webhook: in the outbox until it was taken, or was given up.
public struct WebhookDelivery: Sendable, Equatable {
    /// Id of the webhook.
    public var webhook: String
    /// Number of the event.
    public var event: Int64
    /// How often it was tried.
    public var attempts = 0
    /// When it is to be tried, by the daemon's steady clock.
    public var nextAt: Int64
    /// Given up; it waits for somebody to look at it.
    public var isDead = false
    /// Why the last attempt failed.
    public var problem: String?

    /// An event that was not tried yet.
    public init(webhook: String, event: Int64, nextAt: Int64) {
        (self.webhook, self.event, self.nextAt) = (webhook, event, nextAt)
    }

    /// How long the next attempt is put off, by the number of those that failed: from ten seconds, twice as long each
    /// time, up to an hour.
    public static let delays: [Int64] = (0..<12).map { min(10_000 << $0, 3_600_000) }

    /// What becomes of it after an attempt that failed at a time of the steady clock.
    public func failed(_ problem: String, at: Int64) -> WebhookDelivery {
        var after = self
        after.attempts += 1
        after.problem = problem
        if after.attempts > Self.delays.count {
            after.isDead = true
        } else {
            after.nextAt = at + Self.delays[after.attempts - 1]
        }
        return after
    }
}

extension Plant {
    /// The webhooks that are told of an event.
    public func webhooks(for kind: EventKind) -> [Webhook] {
        webhooks.isEmpty ? [] : webhooks.values.filter { !$0.retired && $0.kinds.contains(kind) }
    }
}

extension State {
    func addWebhook(_ url: String, _ kinds: [EventKind], _ at: Int64) throws(Refusal) -> Decision {
        guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
            throw Refusal(.invalid, "name at least one kind of event, each once")
        }
        let hook = Webhook(id: String(head + 1), url: url, kinds: kinds, createdAt: at)
        var decision = Decision.plant([.webhook(hook)], before: plant)
        decision.created = hook.id
        return decision
    }

    func removeWebhook(_ id: String) throws(Refusal) -> Decision {
        guard var hook = plant.webhooks[id], !hook.retired else { throw .notFound("webhook", id) }
        hook.retired = true
        var decision = Decision.plant([.webhook(hook)], before: plant)
        decision.created = id
        return decision
    }

    /// An attempt was made: what was taken leaves the outbox, and so does what nobody waits for any more.
    func recordDelivery(_ delivery: WebhookDelivery, isDone: Bool) -> Decision {
        var decision = Decision()
        decision.outbox = (delivery, isDone || plant.webhooks[delivery.webhook]?.retired != false)
        return decision
    }

    /// What was given up, or waits, is tried at once.
    func retryDelivery(_ id: String, _ event: Int64, _ moment: Moment) throws(Refusal) -> Decision {
        guard let hook = plant.webhooks[id], !hook.retired else { throw .notFound("webhook", id) }
        guard records.isInOutbox(webhook: id, event: event) else {
            throw .notFound("event on its way", String(event))
        }
        var decision = Decision(created: String(event))
        decision.outbox = (WebhookDelivery(webhook: id, event: event, nextAt: moment.steady), false)
        return decision
    }
}
