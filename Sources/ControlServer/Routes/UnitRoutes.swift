import ControlAPI
import Labels
import Ledger
import Line
import Tracking

extension Control {
    private static let note = Property("note", .note, "Why.")

    static let unitRoutes = [
        Route(
            .get, "/units", "Units within the caller's scope", .see,
            query: Route.list(
                ["serial", "-serial", "created_at", "-created_at", "updated_at", "-updated_at"],
                [
                    .init("status", .word(Status.self), "In this status."),
                    .init("stage", .filter, "At this stage, in production."),
                    .init("product", .filter, "Of this product."),
                    .init("work_order", .filter, "Of this work order."), .init("team", .filter, "Of this team."),
                    .init("mine", .flag, "Only those assigned to the caller, or last worked on by them."),
                    .init("location", .filter, "In stock, at this location since they were restocked."),
                    .init(
                        "search", .filter,
                        "A part of the serial, as it is written; what begins or ends with it comes first."),
                    .init("on_hold", .flag, "On hold, or not."), .init("assignee", .filter, "Assigned to this person."),
                    .init(
                        "customer_order", .filter, "Delivered under this customer's order, even if it came back since."),
                    .init("from", .moment, "Registered or received at this time or later; a day begins at midnight."),
                    .init("to", .moment, "Registered or received before this time; a day is meant to its end."),
                    .init("changed_from", .moment, "Last changed at this time or later."),
                    .init("changed_to", .moment, "Last changed before this time; a day is meant to its end."),
                ]), output: .json(.page(.named(.unit)))
        ) { call in
            var filter = UnitFilter(
                status: call.word("status"), stage: call.query["stage"]?.string,
                product: call.query["product"]?.string, workOrder: call.query["work_order"]?.string,
                team: call.query["team"]?.string, mine: call.query["mine"]?.bool ?? false)
            (filter.location, filter.search) = (call.query["location"]?.string, call.query["search"]?.string)
            (filter.isHeld, filter.assignee) = (call.query["on_hold"]?.bool, call.query["assignee"]?.string)
            filter.customerOrder = call.query["customer_order"]?.string
            (filter.createdFrom, filter.createdTo) = (call.time("from"), call.time("to", endOfDay: true))
            (filter.changedFrom, filter.changedTo) = (
                call.time("changed_from"), call.time("changed_to", endOfDay: true)
            )
            let order = call.query["order"]?.string.flatMap { UnitOrder(rawValue: $0.replacing("-", with: "")) }
            let (access, page) = (call.access, call.page)
            return call.list(
                try await call.read { [filter] in try $0.units(filter, by: order ?? .serial, for: access, page) }
            ) {
                $0.json(for: access)
            }
        },
        Route(
            .post, "/units", "Register units with given serials", .register,
            input: .json([
                Property("product", .code), Property("serials", .serials),
                Property("work_order", .orderNumber, "Asked of everybody but admins.", optional: true),
            ]), output: .json(.items(.named(.unit)), status: 201)
        ) { call in
            try await call.submitUnits(
                .register(
                    product: call.field("product"), serials: call.fields("serials"),
                    workOrder: call.body["work_order"]?.string))
        },
        Route(
            .post, "/units/receive", "Take units into stock that came from a supplier or were found", .register,
            input: .json(
                [
                    Property("product", .code), Property("serials", .serials),
                    Property("supplier", .code, optional: true),
                    Property("cost", .money, "Of one unit.", optional: true),
                    Property(
                        "replaces", .serial, "Serial of the defective unit that the supplier replaced by this one.",
                        optional: true), note,
                ], needs: [.single("serials", where: "replaces")]), output: .json(.items(.named(.unit)), status: 201)
        ) { call in
            try await call.submitUnits(
                .receive(
                    product: call.field("product"), serials: call.fields("serials"),
                    supplier: call.body["supplier"]?.string, cost: call.money("cost"),
                    replaces: call.body["replaces"]?.string,
                    note: call.field("note")))
        },
        Route(.get, "/units/{serial}", "One unit", .see, output: .json(.named(.unit))) { call in
            let (serial, access, plant) = (call.path("serial"), call.access, call.plant)
            let found = try await call.read { db in
                try db.consistently { () -> (Unit, String?, CustomerOrder?)? in
                    guard let unit = try db.unit(serial, for: access) else { return nil }
                    let order = try unit.state.delivery.flatMap {
                        try db.customerOrder(ofDelivery: $0, for: access, in: plant)
                    }
                    return (unit, try db.replacement(of: serial, for: access), order)
                }
            }
            guard let (unit, replacement, order) = found else { throw call.notFound("unit", serial) }
            var json = unit.json(for: access).object ?? [:]
            json["replaced_by"] = .init(replacement)
            (json["order"], json["customer"]) = (.init(order?.number), .init(order?.customer))
            return call.json(.object(json))
        },
        Route(
            .get, "/units/{serial}/history", "All events of a unit, oldest first", .see,
            output: .json(.items(.named(.historyItem)))
        ) { call in
            let (serial, access, plant) = (call.path("serial"), call.access, call.plant)
            let found = try await call.read { db in
                try db.consistently {
                    try db.history(serial, for: access).map {
                        ($0, try db.customerOrders(of: $0, for: access, in: plant))
                    }
                }
            }
            guard let (events, orders) = found else { throw call.notFound("unit", serial) }
            return call.json(["items": .array(events.map { $0.historyItem(orders[$0.id], for: access) })])
        },
        Route(
            .get, "/units/{serial}/label", "The label of a unit as it would be sent to a printer", .see,
            query: [.init("station", .filter, "The station that would print it.")],
            output: .json(.named(.labelPreview))
        ) { call in try await call.labelPreview() },
        Route(
            .post, "/units/{serial}/hold", "No step forward until released", .hold, input: .json([note]),
            output: .json(.named(.unit))
        ) { call in try await call.submitUnit(.hold(call.path("serial"), note: call.field("note"))) },
        Route(
            .post, "/units/{serial}/release", "Free a unit that is on hold", .hold,
            input: .json([Property("note", .note, "Why.", optional: true)]), output: .json(.named(.unit))
        ) { call in
            try await call.submitUnit(.release(call.path("serial"), note: call.body["note"]?.string ?? "released"))
        },
        Route(
            .post, "/units/{serial}/assign", "Give a unit to a person, or to nobody", .assign,
            input: .json([Property("to", .nullable(.login), "Login; null for nobody.")]), output: .json(.named(.unit))
        ) { call in try await call.submitUnit(.assign(call.path("serial"), to: call.body["to"]?.string)) },
        Route(
            .post, "/units/{serial}/defect", "Mark a unit defective, or say what becomes of a defective one",
            .markDefect,
            input: .json(
                [
                    Property("disposition", .word(Disposition.self), "`pending` if not given.", optional: true),
                    Property("type", .code, "Code of the defect type.", optional: true),
                    Property("to_stage", .form(.stage), "The stage to go back to, for rework.", optional: true), note,
                ], needs: [.when("to_stage", "disposition", is: Disposition.rework.rawValue)]),
            output: .json(.named(.unit))
        ) { call in
            let disposition = call.body["disposition"]?.string.flatMap(Disposition.init) ?? .pending
            return try await call.submitUnit(
                .markDefect(
                    call.path("serial"), disposition, type: call.body["type"]?.string,
                    toStage: call.body["to_stage"]?.string, note: call.field("note")))
        },
        Route(
            .post, "/units/{serial}/supplier-repair", "A defective unit came back repaired from the supplier",
            .manageDefects, input: .json([note]), output: .json(.named(.unit))
        ) { call in try await call.submitUnit(.supplierRepair(call.path("serial"), note: call.field("note"))) },
        Route(
            .post, "/units/{serial}/write-off", "A unit is gone for good", .register,
            input: .json(
                [
                    Property("reason", .word(WriteOffReason.self)),
                    Property("price", .money, "What it was sold for, for `outlet_sale`.", optional: true), note,
                ], needs: [.when("price", "reason", is: WriteOffReason.outletSale.rawValue)]),
            output: .json(.named(.unit))
        ) { call in
            let reason = WriteOffReason(rawValue: call.field("reason")) ?? .other
            return try await call.submitUnit(
                .writeOff(call.path("serial"), reason, price: call.money("price"), note: call.field("note")))
        },
    ]
}

extension Call {
    /// The unit that the path names, within the caller's scope.
    func visibleUnit() async throws -> Unit {
        let (serial, access) = (path("serial"), access)
        guard let unit = try await read({ try $0.unit(serial, for: access) }) else {
            throw notFound("unit", serial)
        }
        return unit
    }

    /// Carries out a command on the unit that the path names, and answers with the unit.
    fileprivate func submitUnit(_ command: Command) async throws -> ControlResponse {
        // A stored answer is given to those only who may still see the unit.
        if key != nil { _ = try await visibleUnit() }
        let serial = path("serial")
        return try await submit(command) { [access] state, _ in
            state.unit(serial)?.json(for: access) ?? [:]
        }
    }

    /// Carries out a command that makes units, and answers with them.
    fileprivate func submitUnits(_ command: Command) async throws -> ControlResponse {
        let answer = try await ledger.submit(command, by: .person(access), key: key) { state, decision in
            // No event, no unit: then the range ends where it begins.
            let first = state.head - Int64(max(decision.events.count, 1)) + 1
            return StoredAnswer(status: 201, events: first...state.head)
        }
        guard let events = answer.events else { return ControlResponse(status: answer.status, json: answer.body) }
        let json = try await ledger.read(.list) { [access] db in
            JSONValue.object(["items": .array(try db.unitsMade(by: events).map { $0.json(for: access) })]).jsonBytes
        }
        return ControlResponse(status: answer.status, json: json)
    }

    fileprivate func labelPreview() async throws -> ControlResponse {
        let unit = try await visibleUnit()
        if let name = query["station"]?.string, try visibleStation(name).printers.isEmpty {
            throw Problem(
                .refused, "\(name) has no printer; name a station that has one", reason: Reason.notHere.rawValue)
        }
        guard let product = plant.products[unit.product], let name = product.label, let design = plant.labels[name]
        else {
            throw Problem(
                .refused, "\(unit.product) has no label design; give it one in the site file",
                reason: Reason.notHere.rawValue)
        }
        // What is printed on the unit's own label is shown with the unit.
        let (_, order) = try await read { try $0.labelSubject(unit.serial) }
        let fields = labelFields(
            serial: unit.serial, iteration: unit.state.iteration, product: product, order: order,
            time: control.clock().wall,
            zone: ledger.zone)
        do {
            let zpl = try LabelTemplate(design.zpl).filled(with: fields)
            return json(["serial": .string(unit.serial), "design": .string(name), "zpl": .string(zpl)])
        } catch let problem as LabelTemplate.Unprintable {
            throw Problem(.refused, problem.description, reason: Reason.serialRule.rawValue)
        } catch let problem as LabelTemplate.Problem {
            throw Problem(.invalidArgument, "cannot use the label design \(name): \(problem.description)")
        }
    }
}
