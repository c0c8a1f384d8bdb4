import ControlAPI
import Ledger
import Tracking

extension Control {
    /// The parameters of a period.
    static let period = [
        Route.Parameter("from", .moment, "At this time or later; a day begins at midnight in the plant's time zone."),
        Route.Parameter("to", .moment, "Before this time; a day is meant to its end."),
    ]

    static let stockRoutes = [
        Route(
            .get, "/inventory-log", "What changed store quantities", .see,
            query: Route.list(
                ["-event", "event"],
                [
                    .init("product", .filter, "Of this product."),
                    .init("action", .word(InventoryAction.self), "With this action."),
                ] + period), output: .json(.page(.named(.inventoryLine)))
        ) { call in
            let filter = InventoryFilter(
                product: call.query["product"]?.string, action: call.word("action"), from: call.time("from"),
                to: call.time("to", endOfDay: true))
            let (access, plant, page) = (call.access, call.plant, call.page)
            return call.list(try await call.read { try $0.inventoryLog(filter, for: access, in: plant, page) }) {
                $0.json(for: access)
            }
        },
        Route(
            .get, "/deliveries", "Deliveries, newest first, with what the caller sees of them", .see,
            query: Route.list(
                [],
                [
                    .init("order", .filter, "Under this order."),
                    .init("status", .choice(["open", "closed"]), "In this status."),
                ]), output: .json(.page(.named(.delivery)))
        ) { call in
            let filter = DeliveryFilter(
                order: call.query["order"]?.string, isClosed: call.query["status"]?.string.map { $0 == "closed" })
            var page = call.page
            page.descending = true
            let (access, plant) = (call.access, call.plant)
            let listing = try await call.read { [page] in try $0.deliveries(filter, for: access, in: plant, page) }
            return call.list(listing) { $0.json() }
        },
        Route(
            .post, "/deliveries", "Deliver units and quantities at once", .deliver,
            input: .json(
                [
                    Property("order", .orderNumber), Property("customer", .line, optional: true),
                    Property("serials", .serials, optional: true),
                    Property(
                        "items",
                        .list(
                            .object([Property("product", .code), Property("quantity", .pieces)]), count: 1...Int.max),
                        "Goods without serials.", optional: true),
                    Property("return", .id, "Id of the exchange that it is sent for.", optional: true),
                ], needs: [.anyOf(["serials", "items"])]), output: .json(.named(.delivery), status: 201)
        ) { call in try await call.deliver() },
        Route(.get, "/deliveries/{id}", "One delivery with its packing list", .see, output: .json(.named(.delivery))) {
            call in
            let (id, access, plant) = (call.path("id"), call.access, call.plant)
            guard let found = try await call.read({ try $0.delivery(id, for: access, in: plant) }) else {
                throw call.notFound("delivery", id)
            }
            let items = found.lines.map { Delivery.item(product: $0.product, serial: $0.serial, quantity: $0.quantity) }
            return call.json(found.delivery.json(items: items))
        },
        Route(
            .get, "/defect-types", "Ways to be defective", .see, query: Route.list(["code", "-code"], []),
            output: .json(.page(.named(.defectType)))
        ) { call in try call.list(call.plant.defectTypes.values, by: \.code) { $0.json } },
        Route(
            .get, "/suppliers", "Suppliers", .seeOrders, query: Route.list(["code", "-code"], []),
            output: .json(.page(.named(.supplier)))
        ) { call in try call.list(call.plant.suppliers.values, by: \.code) { $0.json } },
        Route(
            .get, "/suppliers/{code}", "One supplier with its cases and what went back to it, as the caller sees them",
            .seeOrders, output: .json(.named(.supplier))
        ) { call in
            guard let supplier = call.plant.suppliers[call.path("code")] else {
                throw call.notFound("supplier", call.path("code"))
            }
            let access = call.access
            let figures = try await call.read { try $0.supplierFigures(supplier.code, for: access) }
            return call.json(supplier.json(figures, for: access))
        },
    ]
}

extension Call {
    fileprivate func deliver() async throws -> ControlResponse {
        let items = (body["items"]?.array ?? []).map {
            (product: $0["product"]?.string ?? "", quantity: $0["quantity"]?.int ?? 0)
        }
        let command = Command.deliver(
            order: field("order"), customer: body["customer"]?.string, serials: fields("serials"), items: items,
            replacing: body["return"]?.string)
        return try await submit(command, status: 201) { state, decision in
            guard let delivery = decision.created.flatMap({ state.delivery($0) }) else { return [:] }
            let units = decision.serials.map {
                Delivery.item(product: state.unit($0)?.product ?? "", serial: $0, quantity: 1)
            }
            return delivery.json(
                items: units + items.map { Delivery.item(product: $0.product, serial: nil, quantity: $0.quantity) })
        }
    }
}

extension InventoryRecord {
    fileprivate func json(for access: Access) -> JSONValue {
        let cause = event.event
        let isTold = !cause.isOfBalance || access.seesGoods || access.seesAllReturns
        return JSONValue(omittingNil: [
            "event": .string(String(event.id)), "at": .init(time: event.at), "product": .string(product),
            "action": .string(action.rawValue), "change": .int(change), "before": before.map(JSONValue.int),
            "after": after.map(JSONValue.int), "unit": .init(cause.unit), "work_order": .init(cause.workOrder),
            "delivery": .init(cause.details.delivery ?? cause.after?.delivery), "actor": .init(cause.actor),
            "station": .init(cause.station), "note": isTold ? .init(cause.note) : nil,
            "kind": .string(cause.kind.rawValue),
        ])
    }
}
