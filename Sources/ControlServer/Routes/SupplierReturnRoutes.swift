import ControlAPI
import Ledger
import Tracking

extension Control {
    static let supplierReturnRoutes = [
        Route(
            .get, "/supplier-returns", "What went back to suppliers, as far as the caller sees its cases",
            .manageDefects, .seeOrders,
            query: Route.list(["-date", "date"], [.init("supplier", .filter, "To this supplier.")]),
            output: .json(.page(.named(.supplierReturn)))
        ) { call in
            let (supplier, access, page) = (call.query["supplier"]?.string, call.access, call.page)
            return call.list(
                try await call.read { try $0.supplierReturns(supplier: supplier, for: access, page) }
            ) { $0.json() }
        },
        Route(
            .get, "/supplier-returns/{id}", "One return to a supplier with its cases", .manageDefects, .seeOrders,
            output: .json(.named(.supplierReturn))
        ) { call in
            let (id, access) = (call.path("id"), call.access)
            let found = try await call.read { db -> (SupplierReturnRow, [DefectCase])? in
                try db.consistently {
                    guard let row = try db.supplierReturn(id, for: access) else { return nil }
                    return (row, try row.sent.cases.compactMap { try db.defect($0.id, for: access)?.found })
                }
            }
            guard let (row, cases) = found else { throw call.notFound("supplier return", id) }
            return call.json(row.json(cases: cases.map { $0.json(for: access) }))
        },
        Route(
            .get, "/repairs", "Repairs of defect cases within the caller's scope", .seeDefects,
            query: Route.list(["-event", "event"], [.init("product", .filter, "Of this product.")] + period),
            output: .json(.page(.named(.repair)))
        ) { call in
            let (product, from, to) = (
                call.query["product"]?.string, call.time("from"), call.time("to", endOfDay: true)
            )
            let (access, page) = (call.access, call.page)
            return call.list(
                try await call.read { try $0.repairs(product: product, from: from, to: to, for: access, page) }
            ) { $0.json(for: access) }
        },
        Route(
            .get, "/write-offs", "Everything that was written off, from wherever, within the caller's scope",
            .seeDefects,
            query: Route.list(
                ["-event", "event"],
                [
                    .init("product", .filter, "Of this product."),
                    .init("reason", .word(WriteOffReason.self), "For this reason."),
                    .init("source", .word(WriteOffSource.self), "Written off from there."),
                ] + period), output: .json(.page(.named(.writeOff)))
        ) { call in
            let filter = WriteOffFilter(
                product: call.query["product"]?.string, reason: call.word("reason"), source: call.word("source"),
                from: call.time("from"), to: call.time("to", endOfDay: true))
            let (access, page) = (call.access, call.page)
            return call.list(try await call.read { try $0.writeOffs(filter, for: access, page) }) {
                $0.json(for: access)
            }
        },
        Route(
            .get, "/spare-parts", "Products that repairs take, with their stock", .adjust, .manageDefects,
            query: Route.list(
                ["code", "-code"],
                [
                    .init("low", .flag, "Only those below their minimum; for those who see balances."),
                    .init("search", .filter, "In code and name, whatever the case."),
                ]), output: .json(.page(.named(.sparePart)))
        ) { call in try await call.spareParts() },
        Route(
            .post, "/defect-types", "Add a defect type", .administer,
            input: .json([
                Property("code", .code), Property("name", .line),
                Property("category", .nullable(.line), optional: true),
            ]), output: .json(.named(.defectType), status: 201)
        ) { call in
            let new = DefectType(
                code: call.field("code"), name: call.field("name"), category: call.body["category"]?.string)
            return try await call.changePlant(status: 201, { $0.defectTypes[new.code]?.json }) {
                plant throws(Refusal) in
                try Call.requireFree(plant.defectTypes[new.code], "defect type", new.code)
                return .defectType(new)
            }
        },
        Route(
            .patch, "/defect-types/{code}", "Rename a defect type, or retire it; it is never deleted", .administer,
            input: .json([
                Property("name", .line, optional: true), Property("category", .nullable(.line), optional: true),
                Property("retired", .flag, optional: true),
            ]), output: .json(.named(.defectType))
        ) { call in
            let (code, body) = (call.path("code"), call.body)
            return try await call.changePlant({ $0.defectTypes[code]?.json }) { plant throws(Refusal) in
                var entry = try Call.require(plant.defectTypes[code], "defect type", code)
                if let name = body["name"]?.string { entry.name = name }
                if let category = body["category"] { entry.category = category.string }
                if let retired = body["retired"]?.bool { entry.retired = retired }
                return .defectType(entry)
            }
        },
    ]
}

extension Call {
    fileprivate func spareParts() async throws -> ControlResponse {
        let lowOnly = query["low"]?.bool ?? false
        if lowOnly, !access.seesBalances {
            throw Problem(
                .permissionDenied,
                "\(access.login) may not see low stock: that takes \(Verb.missing([.adjust])); ask an admin")
        }
        let search = query["search"]?.string?.lowercased() ?? ""
        let parts = plant.products.values.filter { product in
            product.sparePart
                && (search.isEmpty || product.code.lowercased().contains(search)
                    || product.name.lowercased().contains(search))
        }
        // Stock is the whole plant's, for those who see balances.
        var stock: [String: Card]?
        if access.seesBalances, let whole = Access(login: access.login, isAdmin: true, in: plant) {
            let codes = parts.map(\.code).sorted()
            stock = try await read { try $0.cards(codes, for: whole) }
        }
        func store(_ product: Product) -> Int? { stock.map { $0[product.code]?.store ?? 0 } }
        func isLow(_ product: Product) -> Bool? { store(product).map { $0 < product.minStock ?? 0 } }
        let shown = parts.filter { !lowOnly || isLow($0) == true && !$0.retired }
        return try list(shown, by: \.code) { product in
            JSONValue(omittingNil: [
                "code": .string(product.code), "name": .string(product.name),
                "min_stock": product.minStock.map(JSONValue.int), "in_stock": store(product).map(JSONValue.int),
                "low": isLow(product).map(JSONValue.bool), "cost": access.seesPurchase ? .init(product.cost) : nil,
                "supplier": access.seesPurchase ? .init(product.supplier) : nil, "retired": .bool(product.retired),
            ])
        }
    }
}
