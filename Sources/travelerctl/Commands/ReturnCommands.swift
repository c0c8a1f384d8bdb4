import ArgumentParser
import ControlAPI

struct Return: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "return", "What customers send back: received, inspected, decided, carried out.",
        example: "return list --status created",
        [
            List.self, Show.self, Create.self, Correct.self, InspectStart.self, InspectItem.self, Photo.self,
            Checklist.self, Complete.self, Cancel.self,
        ])

    enum Kind: String, Word { case `return`, exchange }

    enum Reason: String, Word {
        case damaged, defective, other
        case wrongItem = "wrong_item"
        case changedMind = "changed_mind"
        case sizeIssue = "size_issue"
    }

    enum Condition: String, Word {
        case new
        case likeNew = "like_new"
        case good, damaged, defective, unsellable

        static var synonyms: [String: Condition] { ["unused": .new, "used": .good, "destroyed": .unsellable] }
    }

    enum Decision: String, Word {
        case restock, refurbish, dispose
        case returnToSupplier = "return_to_supplier"
    }

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Customers' returns, newest first.", example: "return list --order SO-77",
            "return list --status inspecting --inspector rita")
        @Option(help: "Number of the order.") var order: String?
        @Option(help: "Who sent it.") var customer: String?
        @Option(help: "A part of the order's number or of the customer.") var search: String?
        @Option(help: "Whether something is sent instead.") var kind: Kind?
        @Flag(help: "Only exchanges for which nothing was sent yet.") var unsent = false
        @Option(help: "In this status.") var status: ReturnStatus?
        @Option(help: "Why it came back.") var reason: Reason?
        @Option(help: "Login of the inspector.", completion: .logins) var inspector: String?
        @Option(help: .serial) var serial: String?
        @OptionGroup var period: Period
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "returns",
                    query: [
                        "order": order, "customer": customer, "search": search, "kind": kind?.rawValue,
                        "unsent": unsent ? "true" : nil,
                        "status": status == .expected ? "created" : status?.rawValue, "expected": expected,
                        "reason": reason?.rawValue, "inspector": inspector, "serial": serial,
                        "from": try period.start, "to": try period.end,
                    ])
            }
        }
        /// The column tells what is only announced from what is here; to the daemon both are created.
        private var expected: String? {
            switch status {
            case .expected: "true"
            case .created: "false"
            default: nil
            }
        }
        static let table = Table(
            columns: [
                Column("RETURN", "id"), Column("STATUS", "status", .status, shown: Return.status),
                Column("ORDER", "order"),
                Column("CUSTOMER", "customer", rank: 3, shrinks: true), Column("KIND", "kind", rank: 4),
                Column("REASON", "reason", rank: 1, shown: { words($0["reason"]?.string ?? "") }),
                Column("PIECES", "quantity", .number, rank: 2), Column("ON THE WAY", "in_repacking", .number, rank: 5),
                Column("INSPECTOR", "inspector", rank: 6), Column("MADE", "created_at", .day, rank: 7),
                Column("REFUND %", "refund", .number, rank: 8), .data("expected"), .data("qc_task"),
                .data("created_by"), .data("ended_at"), .data("note"), .data("updated_at"),
            ],
            empty: "No returns.",
            hint: .init("Goods come in at a returns station, or by 'travelerctl return create'.", to: "manage_returns"))
    }

    /// Whether a return is only announced is told with its status.
    static let status: @Sendable (JSONValue) -> String = { item in
        item["expected"]?.bool == true ? "expected" : words(item["status"]?.string ?? "")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One return with its items and checklist.", example: "return show 4711")
        @Argument(help: .customerReturn) var id: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("returns", id) }
        var view: View { .customerReturn }
    }

    struct Create: Call {
        static let configuration = CommandConfiguration.verb(
            "create", "Goods come back from a customer, or are announced.",
            example: "return create SO-77 PCB-100-2610-0001 --reason damaged",
            "return create SO-77 --item CABLE-2M=3 --kind exchange \\\n    --reason wrong_item --expected")
        @Argument(help: "Number of the order.") var order: String
        @Argument(help: .serials) var serials: [String] = []
        @Option(
            help: ArgumentHelp("Goods without serials; may be given several times.", valueName: "product=quantity"),
            transform: Deliver.Item.init)
        var item: [Deliver.Item] = []
        @Option(help: "Whether something is sent instead.") var kind: Kind = .return
        @Option(help: "Why it comes back.") var reason: Reason
        @Option(help: "Who sends it; the order's customer if not given.") var customer: String?
        @Flag(help: "It is announced; it counts once it is scanned in.") var expected = false
        @OptionGroup var options: CallOptions

        mutating func prepare(_ connection: Connection) async throws { serials = try given(serials) }

        func validate() throws {
            if serials.isEmpty, item.isEmpty {
                throw ValidationError("Name serials, or goods with --item PRODUCT=QUANTITY.")
            }
        }
        var request: Request {
            let units = serials.map { JSONValue.object(["serial": .string($0)]) }
            let goods = item.map {
                JSONValue.object(["product": .string($0.product), "quantity": .int($0.quantity)])
            }
            return .post(
                "returns",
                body: [
                    "order": .string(order), "customer": .text(customer), "kind": .string(kind.rawValue),
                    "reason": .string(reason.rawValue), "expected": expected ? true : nil,
                    "items": .array(units + goods),
                ])
        }
        var view: View { .returnNow }
    }

    struct Correct: Call {
        static let configuration = CommandConfiguration.verb(
            "correct", "Correct a return, or one of its items, while it is open.",
            example: "return correct 4711 --kind exchange --customer \"Ms Novak\"",
            "return correct 4711 --item 4713 --condition good",
            more: "An empty text clears the customer: --customer \"\".")
        @Argument(help: .customerReturn) var id: String
        @Option(help: "An item, by number or serial, to correct its reason or condition.") var item: String?
        @Option(help: "Who sends it.") var customer: String?
        @Option(help: "Whether something is sent instead.") var kind: Kind?
        @Option(help: "Why it comes back.") var reason: Reason?
        @Option(help: "In which condition the item is.") var condition: Condition?
        @OptionGroup var options: CallOptions

        func validate() throws {
            if item == nil, condition != nil { throw ValidationError("A condition is an item's: name it with --item.") }
            if item != nil, customer != nil || kind != nil {
                throw ValidationError("Customer and kind are the return's: leave --item out.")
            }
        }
        var request: Request {
            let reason = reason.map { JSONValue.string($0.rawValue) }
            guard let item else {
                return .patch(
                    "returns", id,
                    body: ["customer": .clearing(customer), "kind": .text(kind?.rawValue), "reason": reason])
            }
            return .patch(
                "returns", id, "items", item, body: ["reason": reason, "condition": .text(condition?.rawValue)])
        }

        mutating func prepare(_ connection: Connection) async throws {
            if let named = item { item = try await connection.item(named, ofReturn: id) }
        }
        var view: View { .returnNow }
    }

    struct InspectStart: Call {
        static let configuration = CommandConfiguration.verb(
            "inspect-start", "Start the inspection of a return.", example: "return inspect-start 4711")
        @Argument(help: .customerReturn) var id: String
        @Option(help: "Login of the inspector; you if not given.") var inspector: String?
        @OptionGroup var options: CallOptions
        var request: Request { .post("returns", id, "inspection", body: ["inspector": .text(inspector)]) }
        var view: View { .customerReturn }
    }

    struct InspectItem: Call, ItemCall {
        static let configuration = CommandConfiguration.verb(
            "inspect-item", "Say how an item is, and what is to become of it.",
            example: "return inspect-item 4711 PCB-100-2647-0001 good restock")
        @Argument(help: .customerReturn) var id: String
        @Argument(help: .returnItem) var item: String
        @Argument(help: "In which condition it is.") var condition: Condition
        @Argument(help: "What is to become of it.") var decision: Decision
        @Option(help: "What there is to say to it.") var note: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "returns", id, "items", item, "inspection",
                body: [
                    "condition": .string(condition.rawValue), "decision": .string(decision.rawValue),
                    "note": .text(note),
                ])
        }
        var view: View { .returnNow }
    }

    struct Checklist: Call {
        static let configuration = CommandConfiguration.verb(
            "checklist", "Answer questions of the checklist.",
            example: "return checklist 4711 1=yes 2=no:\"box torn\" 3=not_applicable",
            more: """
                Questions that are not named keep their answers. 'travelerctl return show' lists them. Where a question \
                was answered no, nothing goes into stock until a note says why it may.
                """)
        @Argument(help: .customerReturn) var id: String
        @Argument(
            help: ArgumentHelp("Number of a question and its answer.", valueName: "number=answer[:note]"),
            transform: Answer.init)
        var answers: [Answer]
        @OptionGroup var options: CallOptions
        var request: Request {
            Request(
                method: .PUT, path: ["returns", id, "checklist"],
                body: .json(["answers": .array(answers.map(\.json))]))
        }
        var view: View { .customerReturn }

        /// A question's number with its answer, such as `2=no:box torn`.
        struct Answer: Equatable {
            var question: Int
            var answer: String
            var note: String?

            @Sendable init(argument: String) throws {
                let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
                let said = parts.last?.split(separator: ":", maxSplits: 1).map(String.init) ?? []
                guard parts.count == 2, let number = Int(parts[0]), number > 0, let answer = said.first,
                    ["yes", "no", "not_applicable"].contains(answer)
                else { throw ValidationError("write NUMBER=ANSWER, with yes, no or not_applicable") }
                (question, self.answer) = (number, answer)
                note = said.count > 1 ? said[1] : nil
            }

            var json: JSONValue {
                JSONValue(omittingNil: [
                    "question": .int(question), "answer": .string(answer), "note": .text(note),
                ])
            }
        }
    }

    struct Complete: Ending {
        static let configuration = CommandConfiguration.verb(
            "complete", "Carry everything of a return to where it belongs.", example: "return complete 4711",
            more: "It asks before it writes something off.")
        @Argument(help: .customerReturn) var id: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            let items = try await connection.call(.get("returns", id))["items"]?.array ?? []
            let gone = items.filter { $0["decision"]?.string == "dispose" }
                .reduce(0) { $0 + ($1["in_repacking"]?.int ?? 0) }
            return gone == 0
                ? nil : "Complete the return \(visible(id)), and write \(count(gone, "piece")) off for good?"
        }
        var request: Request { .post("returns", id, "complete") }
        var view: View { .customerReturn }
    }

    struct Cancel: Ending {
        static let configuration = CommandConfiguration.verb(
            "cancel", "Put everything back as it was.",
            example: "return cancel 4711 --note \"sent to the wrong address\"")
        @Argument(help: .customerReturn) var id: String
        @Option(help: .note) var note: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            let found = try await connection.call(.get("returns", id))
            return "Cancel the return \(visible(id)) from order \(found["order"]?.plain ?? "?") with "
                + "\(count(found["quantity"]?.int ?? 0, "piece"))? It can't be opened again."
        }
        var request: Request { .post("returns", id, "cancel", body: ["note": .string(note)]) }
        var view: View { .returnNow }
    }
}

extension View {
    /// A return with all that is known of it.
    static let customerReturn = View { answer, screen in
        let fields = View.fields([
            Column("Return", "id"), Column("Status", "status", .status, shown: Return.status), Column("Order", "order"),
            Column("Customer", "customer"), Column("Kind", "kind"),
            Column("Reason", "reason", shown: { words($0["reason"]?.string ?? "") }), Column("Pieces", "quantity"),
            Column("On the way", "in_repacking"), Column("Inspector", "inspector"),
            Column("Suggested refund", "refund", shown: { $0["refund"].map { $0.plain + " %" } ?? "" }),
            Column("Made", "created_at", .time), Column("By", "created_by"), Column("Ended", "ended_at", .time),
            Column("Note", "note"), Column("Exchange", "id", shown: exchange), Column("Sent for it", "replacements"),
            Column(
                "Look at", "warnings", shown: { ($0["warnings"]?.array ?? []).map(\.plain).joined(separator: "; ") }),
        ])
        var lines = fields.draw(answer, screen)
        let items = answer["items"]?.array ?? []
        let parts = [
            table(Repacking.items, items, screen), details(items, screen),
            table(checklist, answer["checklist"]?.array ?? [], screen),
        ]
        for part in parts where !part.isEmpty { lines += [""] + part }
        return lines
    }

    /// How something is sent for an exchange.
    private static func exchange(_ answer: JSONValue) -> String {
        guard answer["kind"]?.string == "exchange", answer["status"]?.string != "cancelled",
            answer["replacements"]?.array?.isEmpty ?? true
        else { return "" }
        return "to send something, scan TRV:RETURN:\(answer["id"]?.plain ?? "") at a ship station"
    }

    private static func table(_ table: Table, _ rows: [JSONValue], _ screen: Screen) -> [String] {
        rows.isEmpty ? [] : table.whole(rows, screen)
    }

    /// What has no room in a row of a table: where each item went, and what was written to it.
    private static func details(_ items: [JSONValue], _ screen: Screen) -> [String] {
        let lines = items.map { item in
            let photos = item["photos"]?.array?.count ?? 0
            let said = [
                Repacking.split(item), item["location"].map { "put at \($0.plain)" },
                item["defect"].map { "in defect case \($0.plain)" },
                item["delivered_under"].map { "delivered under \($0.plain)" },
                photos > 0 ? count(photos, "photo") : nil, item["note"].map { "note: \($0.plain)" },
            ]
            let text = said.compactMap { $0 }.joined(separator: "; ")
            return Column("Item \(item["id"]?.plain ?? "?")", "id", shown: { _ in text })
        }
        return fields(lines).draw([:], screen)
    }

    private static let checklist = Table(
        columns: [
            Column("NO", "question", .number), Column("QUESTION", "text", shrinks: true),
            Column("ANSWER", "answer", shown: { words($0["answer"]?.string ?? "") }),
            Column("NOTE", "note", rank: 1, shrinks: true),
        ], empty: "")

    /// Where a return is after a change.
    static let returnNow = View.sentence { found in
        let status = found["expected"]?.bool == true ? "expected" : words(found["status"]?.string ?? "?")
        let warnings = (found["warnings"]?.array ?? []).map { " Look: \($0.plain)." }.joined()
        return "Return \(found["id"]?.plain ?? "?") from \(found["order"]?.plain ?? "?") is \(status): "
            + "\(found["in_repacking"]?.plain ?? "0") of \(count(found["quantity"]?.int ?? 0, "piece")) in repacking."
            + warnings
    }
}

extension ArgumentHelp {
    static let customerReturn: ArgumentHelp = "Number of the return."
    static let returnItem: ArgumentHelp =
        "Number of the item, from 'return show', or the serial of its unit; item:4713 is never a serial."
}
