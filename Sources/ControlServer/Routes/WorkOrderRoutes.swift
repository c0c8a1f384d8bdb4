import ControlAPI
import Ledger
import Tracking

extension Control {
    static let workOrderRoutes =
        [
            Route(
                .get, "/work-orders", "Work orders of the caller's teams", .seeOrders,
                query: Route.list(
                    ["number", "-number"],
                    [
                        .init("status", .word(WorkOrderStatus.self), "In this status."),
                        .init("product", .filter, "Of this product."), .init("team", .filter, "Of this team."),
                    ]), output: .json(.page(.named(.workOrder)))
            ) { call in
                let filter = WorkOrderFilter(
                    status: call.word("status"),
                    product: call.query["product"]?.string, team: call.query["team"]?.string)
                let (access, plant, page) = (call.access, call.plant, call.page)
                return call.list(try await call.read { try $0.workOrders(filter, for: access, in: plant, page) }) {
                    $0.json
                }
            },
            Route(
                .post, "/work-orders", "Plan a work order", .administer,
                input: .json([
                    Property("number", .orderNumber), Property("product", .code),
                    Property("quantity", .integer(Limits.ordered)), Property("team", .code),
                    Property("due", .day, optional: true),
                ]), output: .json(.named(.workOrder), status: 201)
            ) { call in
                let number = call.field("number")
                let command = Command.createWorkOrder(
                    number: number, product: call.field("product"), quantity: call.body["quantity"]?.int ?? 0,
                    team: call.field("team"), due: call.body["due"]?.string)
                return try await call.submit(command, status: 201) { state, _ in state.workOrder(number)?.json ?? [:] }
            },
            Route(.get, "/work-orders/{number}", "One work order", .seeOrders, output: .json(.named(.workOrder))) {
                call in
                let (number, access, plant) = (call.path("number"), call.access, call.plant)
                guard let order = try await call.read({ try $0.workOrder(number, for: access, in: plant) }) else {
                    throw call.notFound("work order", number)
                }
                return call.json(order.json)
            },
        ]
        + [
            ("release", "Let a planned work order be worked on", WorkOrderStatus.released),
            ("close", "End a work order, whether complete or not", .closed),
            ("cancel", "End a work order before it is finished", .cancelled),
        ].map { verb, summary, status in
            Route(
                .post, "/work-orders/{number}/\(verb)", summary, .administer, input: .json([]),
                output: .json(.named(.workOrder))
            ) { call in
                let number = call.path("number")
                return try await call.submit(.moveWorkOrder(number, to: status)) { state, _ in
                    state.workOrder(number)?.json ?? [:]
                }
            }
        }
}
