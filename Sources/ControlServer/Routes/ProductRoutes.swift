import ControlAPI
import Ledger
import Tracking

extension Control {
    static let productRoutes = [
        Route(
            .get, "/products", "Products with their counts within the caller's scope", .see,
            query: Route.list(
                ["code", "-code"],
                [
                    .init(
                        "view", .choice(["available", "all"]),
                        "`available`: those with something to ship; `all` if not given."),
                    .init("type", .filter, "Of this type."),
                    .init("search", .filter, "In code and name, whatever the case."),
                    .init("low_stock", .flag, "Only those below their threshold; for those who see balances."),
                ]), output: .json(.page(.named(.product)))
        ) { call in try await call.products() },
        Route(.get, "/products/{code}", "One product", .see, output: .json(.named(.product))) { call in
            guard let product = call.plant.products[call.path("code")] else {
                throw call.notFound("product", call.path("code"))
            }
            let access = call.access
            var json = try await call.cards([product]).json(product, access).object ?? [:]
            if access.may(.seeDefects) {
                let counters = try await call.read { try $0.defectCounters(of: product.code, for: access) }
                json["defect_counters"] = counters.json
            }
            if access.may(.seeReturns) {
                let counters = try await call.read { try $0.returnCounters(of: product.code, for: access) }
                json["return_counters"] = counters.json
            }
            return call.json(.object(json))
        },
        Route(
            .post, "/products/{code}/adjustments", "Count stock anew", .adjust,
            input: .json(
                [
                    Property(
                        "change", .integer(Limits.change, isNonzero: true), "Change of the unserialised balance.",
                        optional: true),
                    Property("serials", .serials, "Units that were found, or are missing from stock.", optional: true),
                    Property(
                        "found", .flag,
                        "With serials: whether they are new here, or missing; by what is known if not given.",
                        optional: true),
                    Property("note", .note, "Why."),
                ], needs: [.oneOf([["change"], ["serials"]])]), output: .json(.named(.product), status: 201)
        ) { call in try await call.adjust() },
        Route(
            .post, "/products/{code}/inward", "Goods without serials that were made here come into stock", .adjust,
            input: .json([
                Property("quantity", .pieces, "How many."),
                Property("work_order", .orderNumber, "The order that they count on.", optional: true),
                Property("note", .note, "What else there is to know.", optional: true),
            ]), output: .json(.named(.product))
        ) { call in try await call.produce() },
    ]
}

/// Counts of products: within the caller's scope, and of the whole plant for those who see balances.
private struct Cards: Sendable {
    var own: [String: Card]
    var whole: [String: Card]?

    func json(_ product: Product, _ access: Access) -> JSONValue {
        product.json(own[product.code] ?? Card(), store: whole.map { $0[product.code]?.store ?? 0 }, for: access)
    }
}

extension Call {
    /// Products asked for at once: lists of any length then need few different statements.
    private static let portion = 100

    fileprivate func cards(_ products: [Product]) async throws -> Cards {
        let whole = access.seesBalances ? Access(login: access.login, isAdmin: true, in: plant) : nil
        var cards = Cards(own: [:], whole: whole == nil ? nil : [:])
        for start in stride(from: 0, to: products.count, by: Self.portion) {
            let codes = products[start..<min(start + Self.portion, products.count)].map(\.code)
            let portion = try await read { [access] db in
                Cards(own: try db.cards(codes, for: access), whole: try whole.map { try db.cards(codes, for: $0) })
            }
            cards.own.merge(portion.own) { $1 }
            cards.whole?.merge(portion.whole ?? [:]) { $1 }
        }
        return cards
    }

    fileprivate func products() async throws -> ControlResponse {
        let lowOnly = query["low_stock"]?.bool ?? false
        if lowOnly, !access.seesBalances {
            throw Problem(
                .permissionDenied,
                "\(access.login) may not see low stock: that takes \(Verb.missing([.adjust])); ask an admin")
        }
        let search = query["search"]?.string?.lowercased()
        var products = plant.products.values.filter { product in
            if let type = query["type"]?.string, product.type != type { return false }
            guard let search, !search.isEmpty else { return true }
            return product.code.lowercased().contains(search) || product.name.lowercased().contains(search)
        }
        if lowOnly || query["view"]?.string == "available" {
            let cards = try await cards(products)
            if lowOnly { products.removeAll { (cards.whole?[$0.code]?.store ?? 0) >= $0.lowStock } }
            if query["view"]?.string == "available" {
                products.removeAll { (cards.own[$0.code]?.store ?? 0) <= 0 }
            }
        }
        let listing = try listing(products, by: \.code)
        let cards = try await cards(listing.items)
        return list(listing) { cards.json($0, access) }
    }

    fileprivate func produce() async throws -> ControlResponse {
        let code = path("code")
        guard let product = plant.products[code] else { throw notFound("product", code) }
        let command = Command.produce(
            product: code, quantity: body["quantity"]?.int ?? 0, workOrder: body["work_order"]?.string,
            note: body["note"]?.string)
        let before = try await cards([product]).own[code] ?? Card()
        return try await submit(command) { [access] state, decision in
            let whole = state.card(CardKey(product: code))
            return product.json(access.card(before, after: decision, whole), store: whole.store, for: access)
        }
    }

    fileprivate func adjust() async throws -> ControlResponse {
        let code = path("code")
        guard let product = plant.products[code] else { throw notFound("product", code) }
        let note = field("note")
        let command: Command
        if let change = body["change"]?.int {
            command = .adjust(product: code, change: change, note: note)
        } else {
            command = .adjustSerials(
                product: code, serials: fields("serials"), note: note, found: body["found"]?.bool)
        }
        let before = try await cards([product]).own[code] ?? Card()
        return try await submit(command, status: 201) { [access] state, decision in
            let whole = state.card(CardKey(product: code))
            return product.json(access.card(before, after: decision, whole), store: whole.store, for: access)
        }
    }
}

extension Access {
    /// The counts that this caller sees once a decision is true.
    fileprivate func card(_ before: Card, after decision: Decision, _ whole: Card) -> Card {
        if scope == .all { return whole }
        var card = before
        for event in decision.events {
            if let state = event.before, sees(team: event.team, state) { card.units[state.status, default: 0] -= 1 }
            if let state = event.after, sees(team: event.team, state) { card.units[state.status, default: 0] += 1 }
        }
        card.unserialised = whole.unserialised
        return card
    }
}
