import ArgumentParser
import ControlAPI

struct Deliver: Call {
    static let configuration = CommandConfiguration.verb(
        "deliver", "Deliver units, and goods without serials, under an order.",
        example: "deliver --order SO-77 PCB-100-2610-0001 PCB-100-2610-0002",
        "deliver --order SO-78 --customer C-9 --item RES-10K=500")

    /// Goods without serials.
    struct Item: Equatable {
        var product: String
        var quantity: Int

        @Sendable init(argument: String) throws {
            guard let mark = argument.lastIndex(of: "="), mark > argument.startIndex,
                let quantity = Int(argument[argument.index(after: mark)...]), quantity > 0
            else { throw ValidationError("write PRODUCT=QUANTITY, with a quantity from 1") }
            (self.product, self.quantity) = (String(argument[..<mark]), quantity)
        }
    }

    @Argument(help: .serials) var serials: [String] = []
    @Option(help: "Number of the order.") var order: String
    @Option(help: "Number of the customer.") var customer: String?
    @Option(
        help: ArgumentHelp("Goods without serials; may be given several times.", valueName: "product=quantity"),
        transform: Item.init)
    var item: [Item] = []
    @Option(name: .customLong("return"), help: "Number of the exchange that it is sent for.") var customerReturn:
        String?
    @OptionGroup var options: CallOptions

    func validate() throws {
        if serials.isEmpty, item.isEmpty {
            throw ValidationError("Name serials, or goods with --item PRODUCT=QUANTITY.")
        }
    }

    mutating func prepare(_ connection: Connection) async throws { serials = try given(serials) }

    var request: Request {
        let items = item.map { JSONValue.object(["product": .string($0.product), "quantity": .int($0.quantity)]) }
        return .post(
            "deliveries",
            body: [
                "order": .string(order), "customer": .text(customer), "serials": .texts(serials),
                "items": items.isEmpty ? nil : .array(items), "return": .text(customerReturn),
            ])
    }
    var view: View {
        .sentence {
            "Delivery \($0["id"]?.plain ?? "?") for \($0["order"]?.plain ?? "?"): \(count($0["count"]?.int ?? 0, "item")), "
                + "\($0["status"]?.plain ?? "open")."
        }
    }
}

struct Delivery: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "delivery", "Deliveries and what is in them.", example: "delivery list --order SO-77", [List.self, Show.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Deliveries, filtered.", example: "delivery list --status open")
        @Option(help: "Number of the order.") var order: String?
        @Option(help: "In this status.") var status: DeliveryStatus?
        @OptionGroup var options: ListOptions
        var request: Request { .get("deliveries", query: ["order": order, "status": status?.rawValue]) }

        static let table = Table(
            columns: [
                Column("DELIVERY", "id"), Column("ORDER", "order"), Column("STATUS", "status", .status),
                Column("ITEMS", "count", .number), Column("CUSTOMER", "customer", rank: 2),
                Column("STATION", "station", rank: 3), Column("OPENED", "opened_at", .time, rank: 1),
                Column("CLOSED", "closed_at", .time, rank: 4),
            ],
            empty: "No deliveries.",
            hint: .init("Make one: 'travelerctl deliver --order NUMBER SERIAL...'.", to: "deliver"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One delivery, as a packing list.", example: "delivery show 4711")
        @Argument(help: "The delivery's id, from the list.") var id: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("deliveries", id) }
        var view: View {
            let head = View.fields([
                Column("Delivery", "id"), Column("Order", "order"), Column("Customer", "customer"),
                Column("Status", "status", .status), Column("Sent for return", "return"),
                Column("Station", "station"), Column("Opened", "opened_at", .time),
                Column("Closed", "closed_at", .time), Column("Items", "count"),
            ])
            let items = View.items(
                Table(
                    columns: [
                        Column("PRODUCT", "product"), Column("SERIAL", "serial", rank: 1),
                        Column("QTY", "quantity", .number),
                    ],
                    empty: "Nothing is in it yet."))
            return View { head.draw($0, $1) + [""] + items.draw($0, $1) }
        }
    }
}
