import ControlAPI
import Ledger
import Tracking

extension Control {
    private static let sparePartFields = [
        Property("min_stock", .nullable(.somePieces), "Low is a stock below this.", optional: true),
        Property("cost", .nullable(.money), "Of one.", optional: true),
        Property("supplier", .nullable(.code), "Code.", optional: true),
    ]

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
            .post, "/spare-parts", "Add a spare part: a new product, or one that was none before", .administer,
            input: .json(
                [
                    Property("code", .code),
                    Property("name", .line, "Of a new product, which needs one.", optional: true),
                    Property("type", .line, "Of a new product; `part` if not given.", optional: true),
                ] + sparePartFields), output: .json(.named(.sparePart), status: 201)
        ) { call in
            let (code, body) = (call.field("code"), call.body)
            let supplier = call.access.seesPurchase
            return try await call.changePlant(
                status: 201, { $0.products[code]?.sparePartJSON(showsPurchase: supplier) }
            ) {
                plant throws(Refusal) in
                var part: Product
                if let known = plant.products[code] {
                    try Call.requireFree(known.sparePart ? known : nil, "spare part", code)
                    guard body["type"] == nil else {
                        throw Refusal(.invalid, "\(code) is a product already; leave its type out")
                    }
                    part = known
                    part.name = body["name"]?.string ?? part.name
                } else {
                    guard let name = body["name"]?.string else {
                        throw Refusal(.invalid, "there is no product \(code) yet: give it a name")
                    }
                    part = Product(code: code, name: name, type: body["type"]?.string ?? "part")
                }
                part.sparePart = true
                part.setSparePart(body)
                return .product(part)
            }
        },
        Route(
            .patch, "/spare-parts/{code}", "Change a spare part, or make it a product like others again", .administer,
            input: .json(
                [
                    Property("name", .line, optional: true),
                    Property("spare_part", .flag, "Whether repairs take it.", optional: true),
                ] + sparePartFields), output: .json(.named(.sparePart))
        ) { call in
            let (code, body) = (call.path("code"), call.body)
            let supplier = call.access.seesPurchase
            return try await call.changePlant({ $0.products[code]?.sparePartJSON(showsPurchase: supplier) }) {
                plant throws(Refusal) in
                let known = plant.products[code].flatMap { $0.sparePart ? $0 : nil }
                var part = try Call.require(known, "spare part", code)
                if let name = body["name"]?.string { part.name = name }
                part.setSparePart(body)
                if body["spare_part"]?.bool == false { (part.sparePart, part.minStock) = (false, nil) }
                return .product(part)
            }
        },
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
            var object = product.sparePartJSON(showsPurchase: access.seesPurchase).object ?? [:]
            object["in_stock"] = store(product).map(JSONValue.int)
            object["low"] = isLow(product).map(JSONValue.bool)
            return .object(object)
        }
    }
}

extension Product {
    /// The product as a spare part, without its stock.
    fileprivate func sparePartJSON(showsPurchase: Bool) -> JSONValue {
        JSONValue(omittingNil: [
            "code": .string(code), "name": .string(name), "min_stock": minStock.map(JSONValue.int),
            "cost": showsPurchase ? .init(cost) : nil, "supplier": showsPurchase ? .init(supplier) : nil,
            "retired": .bool(retired),
        ])
    }

    /// Takes what a request says of a spare part; null clears it.
    fileprivate mutating func setSparePart(_ body: JSONObject) {
        if let minimum = body["min_stock"] { minStock = minimum.int }
        if let cost = body["cost"] { self.cost = cost.double.flatMap { Money($0) } }
        if let supplier = body["supplier"] { self.supplier = supplier.string }
    }
}
