import ControlAPI
import Ledger
import Tracking

extension Control {
    static let returnRoutes = returnListRoutes + returnDeskRoutes + repackingRoutes + photoRoutes

    private static let returnListRoutes = [
        Route(
            .get, "/returns", "Customers' returns, newest first, with what the caller sees of them", .seeReturns,
            query: Route.list(
                [],
                [
                    .init("order", .filter, "From this order."), .init("customer", .filter, "By this customer."),
                    .init("search", .filter, "A part of the order's number or of the customer, whatever the case."),
                    .init("kind", .word(ReturnKind.self), "Of this kind."),
                    .init("status", .word(ReturnStatus.self), "In this status."),
                    .init("reason", .word(ReturnReason.self), "For this reason, or one of its items is."),
                    .init("inspector", .filter, "Inspected by this person."),
                    .init("serial", .filter, "With this unit."),
                    .init("unsent", .flag, "Exchanges, not cancelled, for which nothing was sent yet."),
                    .init("expected", .flag, "Announced ones of which nothing came yet, or all others."),
                ] + period), output: .json(.page(.named(.customerReturn)))
        ) { call in
            var filter = ReturnFilter()
            (filter.order, filter.customer) = (call.query["order"]?.string, call.query["customer"]?.string)
            filter.search = call.query["search"]?.string
            (filter.kind, filter.status, filter.reason) = (call.word("kind"), call.word("status"), call.word("reason"))
            (filter.inspector, filter.serial) = (call.query["inspector"]?.string, call.query["serial"]?.string)
            (filter.isUnsent, filter.isExpected) = (
                call.query["unsent"]?.bool ?? false, call.query["expected"]?.bool
            )
            (filter.from, filter.to) = (call.time("from"), call.time("to", endOfDay: true))
            let (access, page) = (call.access, call.newestFirst)
            return call.list(try await call.read { [filter] in try $0.customerReturns(filter, for: access, page) }) {
                $0.json
            }
        },
        Route(
            .get, "/returns/{id}", "One return with its items, checklist and suggested refund", .seeReturns,
            output: .json(.named(.customerReturn))
        ) { call in
            let found = try await call.customerReturn(call.path("id"))
            return call.json(
                found.found.json(found.items, replacements: found.replacements, in: call.plant.settings))
        },
        Route(
            .get, "/qc-tasks", "Inspections of quality control, newest first", .seeReturns,
            query: Route.list(
                [],
                [
                    .init("status", .word(QCTask.Status.self), "In this status."),
                    .init("inspector", .filter, "Of this person."),
                ]), output: .json(.page(.named(.qcTask)))
        ) { call in
            let (status, inspector): (QCTask.Status?, String?) = (call.word("status"), call.query["inspector"]?.string)
            let (access, page) = (call.access, call.newestFirst)
            return call.list(
                try await call.read { try $0.qcTasks(status: status, inspector: inspector, for: access, page) }
            ) { $0.taskJSON() }
        },
        Route(.get, "/qc-tasks/{id}", "One inspection", .seeReturns, output: .json(.named(.qcTask))) { call in
            let (id, access) = (call.path("id"), call.access)
            guard let found = try await call.read({ try $0.qcTask(id, for: access) }) else {
                throw call.notFound("task of quality control", id)
            }
            return call.json(found.taskJSON())
        },
        Route(
            .get, "/customers", "Customers, with what they sent back", .seeOrders, .seeReturns,
            query: Route.list(["name", "-name"], []), output: .json(.page(.named(.customer)))
        ) { call in
            let (access, plant, page) = (call.access, call.plant, call.page)
            return call.list(try await call.read { try $0.customers(for: access, in: plant, page) }) { $0.json }
        },
        Route(
            .get, "/customers/{name}", "One customer", .seeOrders, .seeReturns, output: .json(.named(.customer))
        ) { call in
            let (name, access, plant) = (call.path("name"), call.access, call.plant)
            guard let found = try await call.read({ try $0.customer(name, for: access, in: plant) }) else {
                throw call.notFound("customer", name)
            }
            return call.json(found.json)
        },
    ]

    private static let returnDeskRoutes = [
        Route(
            .post, "/returns", "Goods come back from a customer, or are announced", .manageReturns,
            input: .json([
                Property("order", .orderNumber),
                Property("customer", .line, "The one of the order's delivery if not given.", optional: true),
                Property("kind", .word(ReturnKind.self)), Property("reason", .word(ReturnReason.self)),
                Property(
                    "expected", .flag, "Announced: they become returned once they are scanned in.", optional: true),
                Property(
                    "items",
                    .list(
                        .object(
                            [
                                Property("serial", .serial, "A unit.", optional: true),
                                Property("product", .code, "Of goods without serials.", optional: true),
                                Property("quantity", .pieces, optional: true),
                            ], needs: [.oneOf([["serial"], ["product", "quantity"]])]), count: 1...Int.max)),
            ]), output: .json(.named(.customerReturn), status: 201)
        ) { call in
            let command = Command.createReturn(
                order: call.field("order"), customer: call.body["customer"]?.string,
                kind: ReturnKind(rawValue: call.field("kind")) ?? .return,
                reason: ReturnReason(rawValue: call.field("reason")) ?? .other,
                expected: call.body["expected"]?.bool ?? false, call.returnLot())
            return try await call.submit(command, status: 201) { state, decision in
                state.returnJSON(decision.created ?? "", replacements: [])
            }
        },
        Route(
            .patch, "/returns/{id}", "Correct a return's customer, kind or reason while it is open", .manageReturns,
            input: .json(
                [
                    Property("customer", .nullable(.line), optional: true),
                    Property("kind", .word(ReturnKind.self), optional: true),
                    Property("reason", .word(ReturnReason.self), optional: true),
                ], needs: [.anyOf(["customer", "kind", "reason"])]), output: .json(.named(.customerReturn))
        ) { call in
            try await call.submitReturn(
                .correctReturn(
                    call.path("id"),
                    ReturnCorrection(
                        customer: call.body["customer"].map(\.string), kind: call.word(in: "kind"),
                        reason: call.word(in: "reason"))))
        },
        Route(
            .post, "/returns/{id}/inspection", "Start the inspection: its task and checklist are made", .handleReturns,
            input: .json([Property("inspector", .login, "Login; the caller if not given.", optional: true)]),
            output: .json(.named(.customerReturn))
        ) { call in
            try await call.submitReturn(
                .startInspection(call.path("id"), inspector: call.body["inspector"]?.string))
        },
        Route(
            .patch, "/returns/{id}/items/{item}", "Correct an item's reason, or its condition before it is inspected",
            .handleReturns,
            input: .json(
                [
                    Property("reason", .word(ReturnReason.self), optional: true),
                    Property("condition", .word(ReturnCondition.self), optional: true),
                ], needs: [.anyOf(["reason", "condition"])]), output: .json(.named(.customerReturn))
        ) { call in
            try await call.submitReturn(
                .correctReturnItem(
                    call.path("id"), item: call.path("item"), reason: call.word(in: "reason"),
                    condition: call.word(in: "condition")))
        },
        Route(
            .post, "/returns/{id}/items/{item}/inspection", "Inspect an item, once", .inspectReturns,
            input: .json(
                [
                    Property("condition", .word(ReturnCondition.self)),
                    Property("decision", .word(ReturnDecision.self)), Property("note", .note, optional: true),
                ],
                needs: [
                    .never(
                        "decision", is: ReturnDecision.restock.rawValue, where: "condition",
                        says: ReturnCondition.unsellable.rawValue)
                ]), output: .json(.named(.customerReturn))
        ) { call in
            try await call.submitReturn(
                .inspectReturnItem(
                    call.path("id"), item: call.path("item"), call.word(in: "condition") ?? .good,
                    call.word(in: "decision") ?? .dispose, note: call.body["note"]?.string))
        },
        Route(
            .put, "/returns/{id}/checklist", "Answer questions of the checklist", .handleReturns,
            input: .json([
                Property(
                    "answers",
                    .list(
                        .object([
                            Property("question", .integer(Limits.questions), "Its number, from 1."),
                            Property("answer", .word(QCTask.Answer.self)), Property("note", .note, optional: true),
                        ]), count: Limits.questions), "Questions that are not named keep their answers.")
            ]), output: .json(.named(.customerReturn))
        ) { call in
            let answers = (call.body["answers"]?.array ?? []).map { answer in
                ChecklistAnswer(
                    question: answer["question"]?.int ?? 0,
                    answer: answer["answer"]?.string.flatMap(QCTask.Answer.init) ?? .no, note: answer["note"]?.string)
            }
            return try await call.submitReturn(.answerChecklist(call.path("id"), answers))
        },
        Route(
            .post, "/returns/{id}/complete", "Carry everything to where it belongs", .handleReturns,
            input: .json([]), output: .json(.named(.customerReturn))
        ) { call in try await call.submitReturn(.completeReturn(call.path("id"))) },
        Route(
            .post, "/returns/{id}/cancel", "Put everything back as it was", .manageReturns,
            input: .json([Property("note", .note, "Why.")]), output: .json(.named(.customerReturn))
        ) { call in try await call.submitReturn(.cancelReturn(call.path("id"), note: call.field("note"))) },
    ]

    private static let repackingRoutes = [
        Route(
            .get, "/repacking", "The repacking queue, newest first; with a status, also what left it", .seeReturns,
            query: Route.list(
                [],
                [
                    .init(
                        "status", .word(RepackingStatus.self), "In this status; whatever is on its way if not given."),
                    .init("product", .filter, "Of this product."), .init("order", .filter, "From this order."),
                    .init("return", .filter, "Of this return."),
                    .init("location", .filter, "Restocked at this location; also what left the queue."),
                ]), output: .json(.page(.named(.returnItem)))
        ) { call in
            var filter = RepackingFilter()
            (filter.status, filter.product) = (call.word("status"), call.query["product"]?.string)
            (filter.order, filter.customerReturn) = (call.query["order"]?.string, call.query["return"]?.string)
            filter.location = call.query["location"]?.string
            let (access, page) = (call.access, call.newestFirst)
            return call.list(try await call.read { [filter] in try $0.repacking(filter, for: access, page) }) {
                $0.json(in: call.plant.settings)
            }
        },
        Route(.get, "/repacking/{id}", "One item", .seeReturns, output: .json(.named(.returnItem))) { call in
            call.json(try await call.returnItem(call.path("id")).json(in: call.plant.settings))
        },
        Route(
            .post, "/repacking/{id}/process", "Take an item, or some of it, out of the queue", .handleReturns,
            input: .json(
                [
                    Property("action", .word(RepackingAction.self), "Into stock, or written off."),
                    Property("quantity", .pieces, "All that is left if not given.", optional: true),
                    Property(
                        "reason", .word(WriteOffReason.self, but: .outletSale), "`disposal` if not given.",
                        optional: true),
                    Property("note", .note, optional: true),
                ],
                needs: [
                    .only("reason", "action", is: RepackingAction.writeOff.rawValue),
                    .when("note", "reason", is: WriteOffReason.other.rawValue, isOnly: false),
                ]), output: .json(.named(.returnItem))
        ) { call in
            let id = call.path("id")
            if call.key != nil { _ = try await call.returnItem(id) }
            let command = Command.processItem(
                id, call.word(in: "action") ?? .writeOff, quantity: call.body["quantity"]?.int,
                reason: call.word(in: "reason"), note: call.body["note"]?.string)
            return try await call.submit(command) { state, _ in state.itemJSON(id) }
        },
    ]
}

extension Call {
    /// A page of a list that has no order of its own.
    fileprivate var newestFirst: Page {
        var page = page
        page.descending = true
        return page
    }

    /// A word of a vocabulary in the body.
    fileprivate func word<Word: RawRepresentable>(in name: String) -> Word? where Word.RawValue == String {
        body[name]?.string.flatMap(Word.init)
    }

    /// The units and quantities in the body.
    fileprivate func returnLot() -> ReturnLot {
        var lot = ReturnLot()
        for item in body["items"]?.array ?? [] {
            if let serial = item["serial"]?.string {
                lot.serials.append(serial)
            } else {
                lot.goods.append(
                    .init(product: item["product"]?.string ?? "", quantity: item["quantity"]?.int ?? 0))
            }
        }
        return lot
    }

    /// The return with this id, within the caller's scope.
    fileprivate func customerReturn(_ id: String) async throws -> ReturnContents {
        let access = access
        guard let found = try await read({ try $0.customerReturn(id, for: access, in: plant) }) else {
            throw notFound("return", id)
        }
        return found
    }

    /// The item with this id, within the caller's scope.
    func returnItem(_ id: String) async throws -> RepackingRow {
        let access = access
        guard let found = try await read({ try $0.returnItem(id, for: access) }) else { throw notFound("item", id) }
        return found
    }

    /// Carries out a command on the return that the path names, and answers with the return. What was sent for it does
    /// not change by that.
    fileprivate func submitReturn(_ command: Command) async throws -> ControlResponse {
        let id = path("id")
        // Not the whole return: it can have thousands of items.
        let known = try await read { [access, plant] in try $0.replacements(ofReturn: id, for: access, in: plant) }
        guard let replacements = known else { throw notFound("return", id) }
        return try await submit(command) { state, _ in state.returnJSON(id, replacements: replacements) }
    }
}
