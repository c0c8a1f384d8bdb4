import ArgumentParser
import ControlAPI

struct Webhook: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "webhook", "Other systems that are told of events by HTTP.", example: "webhook list",
        [List.self, Show.self, Add.self, Remove.self, Deliveries.self, Retry.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Who is told of which events.", example: "webhook list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["id", "-id"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("webhooks", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("WEBHOOK", "id"), Column("URL", "url", shrinks: true), Column("EVENTS", "kinds", shrinks: true),
                Column("MADE", "created_at", .day, rank: 1), .data("retired"),
            ],
            empty: "No webhooks. Add one: 'travelerctl webhook add'.")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One webhook, with the secret that signs what it gets.", example: "webhook show 4711")
        @Argument(help: .webhook) var id: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("webhooks", id) }
        var view: View { .webhook }
    }

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Have events sent to an address, from now on.",
            example: "webhook add https://shop.example/hook \\\n    return.created return.completed")
        @Argument(help: "http:// or https://.") var url: String
        @Argument(help: "Kinds of events, such as return.completed.") var kinds: [String]
        @OptionGroup var options: CallOptions
        var request: Request { .post("webhooks", body: ["url": .string(url), "kinds": .texts(kinds)]) }
        var view: View { .webhook }
    }

    struct Remove: Ending {
        static let configuration = CommandConfiguration.verb(
            "remove", "Send nothing to an address any more.", example: "webhook remove 4711")
        @Argument(help: .webhook) var id: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            let found = try await connection.call(.get("webhooks", id))
            return "Send nothing to \(found["url"]?.plain ?? "?") any more, not even what waits?"
        }
        var request: Request { Request(method: .DELETE, path: ["webhooks", id]) }
        var view: View { .sentence { "Nothing is sent to \($0["url"]?.plain ?? "it") any more." } }
    }

    struct Deliveries: ListCall {
        static let configuration = CommandConfiguration.verb(
            "deliveries", "Events that were not taken yet, or that were given up.",
            example: "webhook deliveries 4711 --status dead")
        @Argument(help: .webhook) var id: String
        @Option(help: "In this status.") var status: NoticeStatus?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("webhooks", id, "deliveries", query: ["status": status?.rawValue, "order": sort]) }
        var empty: String { status.map { "No event is \($0.rawValue)." } ?? Self.table.empty }
        static let table = Table(
            columns: [
                Column("EVENT", "event"), Column("STATUS", "status", .status),
                Column("TRIES", "attempts", .number, rank: 1), Column("NEXT", "next_at", .time, rank: 2),
                Column("PROBLEM", "problem", rank: 1, isWhole: true), .data("webhook"),
            ],
            empty: "Everything was taken.")
    }

    struct Retry: Call {
        static let configuration = CommandConfiguration.verb(
            "retry", "Send an event again at once.", example: "webhook retry 4711 4890")
        @Argument(help: .webhook) var id: String
        @Argument(help: "Number of the event.") var event: String
        @OptionGroup var options: CallOptions
        var request: Request { .post("webhooks", id, "deliveries", event, "retry") }
        var view: View { .sentence { "Event \($0["event"]?.plain ?? "?") is sent again." } }
    }
}

extension View {
    fileprivate static let webhook = View.fields([
        Column("Webhook", "id"), Column("URL", "url"), Column("Events", "kinds"), Column("Secret", "secret"),
        Column("Made", "created_at", .time),
    ])
}

extension ArgumentHelp {
    fileprivate static let webhook: ArgumentHelp = "Number of the webhook."
}
