import ControlAPI
import Ledger
import Tracking

/// A card of the worklist.
private enum DefectCard: String, Vocabulary {
    case total, pending
    case withSupplier = "with_supplier"
    case resolved
}

extension Control {
    private static let note = Property("note", .note, "Why, or what else there is to know.")
    private static let serials = Property("serials", .serials, "Units of the case.", optional: true)
    private static let quantity = Property("quantity", .pieces, "For goods without serials.", optional: true)
    /// Of a case with one piece left neither has to be named.
    private static let lot = Need.oneOf([["serials"], ["quantity"], []])
    private static let filters: [Route.Parameter] =
        [
            .init("status", .word(DefectStatus.self), "In exactly this status."),
            .init(
                "group", .word(DefectCard.self),
                "On this card: `pending` is all that is neither sent nor resolved."),
            .init("awaiting", .flag, "Resolved, with something that is still defective."),
            .init("type", .filter, "With this defect type."), .init("product", .filter, "Of this product."),
            .init("supplier", .filter, "Of this supplier."), .init("location", .filter, "At this location."),
            .init("source", .word(DefectSource.self), "Found there."), .init("serial", .filter, "With this unit."),
            .init("supplier_return", .filter, "Out with this return."),
            .init("search", .filter, "In product, reason, types, notes, location, supplier, RMA, serials; or its id."),
        ] + period

    private static func types(count: ClosedRange<Int>, quantityOptional: Bool) -> Shape {
        .list(
            .object([
                Property("type", .code, "Code of the defect type."),
                Property(
                    "quantity", .pieces, quantityOptional ? "All of them if not given." : "",
                    optional: quantityOptional), Property("note", .note, optional: true),
            ]), count: count)
    }

    static let defectRoutes = worklistRoutes + deskRoutes

    private static let worklistRoutes = [
        Route(
            .get, "/defects", "The defect worklist: cases within the caller's scope", .seeDefects,
            query: Route.list(
                ["-date", "date", "open", "-open", "product", "-product", "supplier", "-supplier"], filters),
            output: .json(.page(.named(.defect)))
        ) { call in
            let order: DefectOrder =
                call.query["order"]?.string.flatMap {
                    DefectOrder(rawValue: $0.hasPrefix("-") ? String($0.dropFirst()) : $0)
                } ?? .date
            if order == .supplier, !call.access.seesPurchase { throw call.hidesSuppliers }
            let (filter, access, page) = (try call.defectFilter, call.access, call.page)
            return call.list(try await call.read { try $0.defects(filter, by: order, for: access, page) }) {
                $0.found.json(for: access, serial: $0.serial)
            }
        },
        Route(
            .get, "/defects/cards", "How many cases stand where, and how many pieces in them are still defective",
            .seeDefects, query: filters, output: .json(.named(.defectCards))
        ) { call in
            let (filter, access) = (try call.defectFilter, call.access)
            return call.json(try await call.read { try $0.defectCards(filter, for: access) }.json)
        },
        Route(.get, "/defects/{id}", "One defect case with its units", .seeDefects, output: .json(.named(.defect))) {
            call in
            let (id, access) = (call.path("id"), call.access)
            guard let (found, lines) = try await call.read({ try $0.defect(id, for: access) }) else {
                throw call.notFound("defect case", id)
            }
            return call.json(found.json(for: access, lines: lines))
        },
        Route(
            .get, "/defects/{id}/history", "All that happened to a defect case, with it before and after, oldest first",
            .seeDefects, output: .json(.items(.named(.defectHistoryItem)))
        ) { call in
            let (id, access) = (call.path("id"), call.access)
            guard let events = try await call.read({ try $0.defectHistory(id, for: access) }) else {
                throw call.notFound("defect case", id)
            }
            return call.json(["items": .array(events.map { $0.defectHistoryItem(for: access) })])
        },
    ]

    private static let deskRoutes = [
        Route(
            .post, "/defects", "Mark units in hand, or a quantity without serials, as one defect case", .markDefect,
            input: .json(
                [
                    Property("serials", .serials, "Units of one product.", optional: true),
                    Property("product", .code, "Of goods without serials.", optional: true), quantity,
                    Property("types", types(count: 1...Int.max, quantityOptional: true), optional: true),
                    Property("reason", .note, "What is wrong, in words.", optional: true),
                    Property("repairable", .somePieces, "How many can be repaired, if that is known.", optional: true),
                    note, Property("supplier", .code, "If it is not the one that they came from.", optional: true),
                    Property("location", .line, optional: true),
                ], needs: [.oneOf([["serials"], ["product", "quantity"]]), .anyOf(["types", "reason"])]),
            output: .json(.named(.defect), status: 201)
        ) { call in
            let lot = call.defectLot
            let all = lot.quantity ?? lot.serials.count
            let report = DefectReport(
                findings: call.findings(all: all) ?? [], reason: call.body["reason"]?.string,
                repairable: call.body["repairable"]?.int, supplier: call.body["supplier"]?.string,
                location: call.body["location"]?.string, note: call.field("note"))
            let command = Command.openDefect(lot, product: call.body["product"]?.string, report)
            return try await call.submit(command, status: 201) { [access = call.access] state, decision in
                state.defectJSON(decision.created ?? "", for: access)
            }
        },
        Route(
            .patch, "/defects/{id}", "Correct a case's note, location, supplier or credit", .manageDefects,
            input: .json(
                [
                    Property("note", .note, optional: true), Property("location", .nullable(.line), optional: true),
                    Property("supplier", .nullable(.code), "Code.", optional: true),
                    Property("credit", .nullable(.money), "Of a resolved case.", optional: true),
                ], needs: [.anyOf(["note", "location", "supplier", "credit"])]), output: .json(.named(.defect))
        ) { call in
            try await call.submitDefect(
                .correctDefect(
                    call.path("id"), note: call.body["note"]?.string, location: call.body["location"].map(\.string),
                    supplier: call.body["supplier"].map(\.string),
                    credit: call.body["credit"].map { $0 == .null ? nil : call.money("credit") }))
        },
        Route(
            .post, "/defects/{id}/inspect", "Split what remains into repairable and not; may be repeated",
            .manageDefects,
            input: .json([
                Property("repairable", .somePieces), Property("non_repairable", .somePieces),
                Property(
                    "types", types(count: 0...Int.max, quantityOptional: false), "What is wrong, restated.",
                    optional: true),
            ]), output: .json(.named(.defect))
        ) { call in
            let split = DefectCase.Split(
                repairable: call.body["repairable"]?.int ?? 0, nonRepairable: call.body["non_repairable"]?.int ?? 0)
            return try await call.submitDefect(
                .inspectDefect(call.path("id"), split, findings: call.findings(all: 0)))
        },
        Route(
            .post, "/defects/{id}/repair", "Repair some of a case, with spare parts from stock", .manageDefects,
            input: .json(
                [
                    serials, quantity,
                    Property(
                        "spare_parts", .list(.object([Property("product", .code), Property("quantity", .pieces)])),
                        optional: true), Property("to", .form(.stage), "`stock`, or the stage to go back to."), note,
                ], needs: [lot]), output: .json(.named(.defect))
        ) { call in
            let parts = (call.body["spare_parts"]?.array ?? []).map {
                (product: $0["product"]?.string ?? "", quantity: $0["quantity"]?.int ?? 0)
            }
            return try await call.submitDefect(
                .repairDefect(
                    call.path("id"), call.defectLot, parts: parts, target: call.field("to"), note: call.field("note")))
        },
        Route(
            .post, "/defects/{id}/write-off", "Write off some of a case", .manageDefects,
            input: .json(
                [
                    serials, quantity, Property("reason", .word(WriteOffReason.self)),
                    Property("price", .money, "What one was sold for, for `outlet_sale`.", optional: true), note,
                ], needs: [lot, .when("price", "reason", is: WriteOffReason.outletSale.rawValue)]),
            output: .json(.named(.defect))
        ) { call in
            try await call.submitDefect(
                .writeOffDefect(
                    call.path("id"), call.defectLot, WriteOffReason(rawValue: call.field("reason")) ?? .other,
                    price: call.money("price"), note: call.field("note")))
        },
        Route(
            .post, "/defects/{id}/supplier-repair", "Some of a case came back repaired from the supplier",
            .manageDefects, input: .json([serials, quantity, note], needs: [lot]), output: .json(.named(.defect))
        ) { call in
            try await call.submitDefect(
                .supplierRepairDefect(call.path("id"), call.defectLot, note: call.field("note")))
        },
        Route(
            .post, "/defects/{id}/revert", "A case did not go to the supplier after all", .manageDefects,
            input: .json([Property("confirm", .confirmation, "Must be true."), note]), output: .json(.named(.defect))
        ) { call in
            try await call.submitDefect(.revertDefect(call.path("id"), note: call.field("note")))
        },
        Route(
            .post, "/defects/{id}/resolve", "Close a case", .manageDefects,
            input: .json([note, Property("credit", .money, "What the supplier credited.", optional: true)]),
            output: .json(.named(.defect))
        ) { call in
            try await call.submitDefect(
                .resolveDefect(call.path("id"), note: call.field("note"), credit: call.money("credit")))
        },
        Route(
            .post, "/defects/route", "Send cases to a supplier together: all of them, or none", .manageDefects,
            input: .json([
                Property("cases", .list(.id, count: Limits.listed, isUnique: true), "Ids."),
                Property("supplier", .code, "The cases' own if not given.", optional: true),
                Property("rma", .line, "The supplier's reference."), note,
                Property("dry_run", .flag, "Only say whether it could be done.", optional: true),
            ]), output: .json(.items(.named(.defect)))
        ) { call in
            let ids = call.fields("cases")
            if call.key != nil { for id in ids { try await call.requireDefect(id) } }
            let command = Command.routeDefects(
                ids, supplier: call.body["supplier"]?.string, rma: call.field("rma"), note: call.field("note"),
                isTrial: call.body["dry_run"]?.bool ?? false)
            return try await call.submit(command) { [access = call.access] state, _ in
                ["items": .array(ids.compactMap { state.defectCase($0)?.json(for: access) })]
            }
        },
    ]
}

extension Call {
    fileprivate var hidesSuppliers: Problem {
        Problem(
            .permissionDenied,
            "\(access.login) may not see suppliers: that takes \(Verb.missing([.seeOrders, .manageDefects])); "
                + "ask an admin")
    }

    /// The filters of the worklist.
    fileprivate var defectFilter: DefectFilter {
        get throws {
            var filter = DefectFilter()
            switch query["group"]?.string {
            case "pending": filter.statuses = DefectStatus.open
            case "with_supplier": filter.statuses = [.withSupplier]
            case "resolved": filter.statuses = [.resolved]
            default: break
            }
            if let status: DefectStatus = word("status") {
                filter.statuses = filter.statuses.map { $0.contains(status) ? [status] : [] } ?? [status]
            }
            filter.awaiting = query["awaiting"]?.bool ?? false
            (filter.type, filter.product) = (query["type"]?.string, query["product"]?.string)
            (filter.supplier, filter.location) = (query["supplier"]?.string, query["location"]?.string)
            (filter.source, filter.serial) = (word("source"), query["serial"]?.string)
            filter.shipment = query["supplier_return"]?.string
            (filter.from, filter.to) = (time("from"), time("to", endOfDay: true))
            if !access.seesPurchase, filter.supplier != nil || filter.shipment != nil {
                throw hidesSuppliers
            }
            (filter.search, filter.searchesPurchase) = (query["search"]?.string, access.seesPurchase)
            if let search = filter.search?.lowercased(), !search.isEmpty {
                let named = plant.products.values.filter { $0.name.lowercased().contains(search) }
                filter.productsFound = named.map(\.code).sorted()
                let types = plant.defectTypes.values.filter { $0.name.lowercased().contains(search) }
                filter.typesFound = types.map(\.code).sorted()
            }
            return filter
        }
    }

    /// The units or the quantity in the body.
    fileprivate var defectLot: DefectLot { DefectLot(serials: fields("serials"), quantity: body["quantity"]?.int) }

    /// The defect types in the body; nil where it has none.
    fileprivate func findings(all: Int) -> [DefectCase.Finding]? {
        body["types"]?.array?.map {
            .init(type: $0["type"]?.string ?? "", quantity: $0["quantity"]?.int ?? all, note: $0["note"]?.string)
        }
    }

    /// Refuses a case outside the caller's scope before a stored answer is given.
    fileprivate func requireDefect(_ id: String) async throws {
        let access = access
        guard try await read({ try $0.defect(id, for: access) }) != nil else { throw notFound("defect case", id) }
    }

    /// Carries out a command on the case that the path names, and answers with the case.
    fileprivate func submitDefect(_ command: Command) async throws -> ControlResponse {
        let id = path("id")
        if key != nil { try await requireDefect(id) }
        return try await submit(command) { [access] state, _ in state.defectJSON(id, for: access) }
    }
}

extension EventRecord {
    /// The event in the history of its defect case.
    fileprivate func defectHistoryItem(for access: Access) -> JSONValue {
        var change: DefectChange?
        if case .defect(let found) = event.change { change = found }
        let (before, after) = (change?.before?.json(for: access), change?.after?.json(for: access))
        return JSONValue(omittingNil: [
            "event": .string(String(id)), "at": .init(time: at), "kind": .string(event.kind.rawValue),
            "actor": .init(event.actor), "station": .init(event.station), "note": .init(event.note),
            "before": before, "after": after, "fields": .changed(before, after),
        ])
    }
}
