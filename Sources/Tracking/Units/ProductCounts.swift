/// What is under way of a product, as it is told at a station.
public struct ProductCounts: Sendable, Equatable {
    /// Units in production, and goods without serials that are still to be made under released orders.
    public var inProduction = 0
    /// What came back and is in the repacking queue.
    public var inRepacking = 0
    /// What is in stock.
    public var inStock = 0
}

extension State {
    /// The counts of a product once some events are true; nil for who sees none.
    ///
    /// - Parameter viewer: who is told; nil for a station, where the whole plant's are shown. A lead is
    ///   told of their teams' units, and of the balance.
    mutating func counts(of product: Product, after events: [Event], for viewer: Access?) -> ProductCounts? {
        var teams: Set<String>?
        if let viewer, !viewer.seesGoods {
            switch viewer.scope {
            case .all: break
            case .teams(let own): teams = own
            case .own: return nil
            }
        }
        var counts = ProductCounts()
        for key in teams.map({ $0.map { CardKey(product: product.code, team: $0) } }) ?? [
            CardKey(product: product.code)
        ] {
            let card = card(key)
            counts.inProduction += card[.inProduction]
            counts.inRepacking += card[.returned] + card.unserialisedRepacking
            counts.inStock += card.store
        }
        let seesBalances = viewer?.seesBalances ?? true
        if teams != nil, seesBalances { counts.inStock += card(CardKey(product: product.code)).unserialised }
        for event in events {
            let isSeen = teams.map { teams in event.team.map(teams.contains) ?? false } ?? true
            counts.count(event, of: product.code, isSeen: isSeen, seesBalances: seesBalances)
        }
        for order in ordersToMake(product, named: events.compactMap(\.workOrder))
        where teams?.contains(order.team) ?? true {
            var left = order.quantity - order.good
            for event in events where event.workOrder == order.number {
                if case .stock(let change) = event.change { left -= change }
            }
            counts.inProduction += max(left, 0)
        }
        return counts
    }

    /// The released orders of a product that is made without serials, and those that events are about, as far as they are
    /// to be made: one that is completed is reopened by what is taken back.
    private mutating func ordersToMake(_ product: Product, named numbers: [String]) -> [WorkOrder] {
        guard product.isMadeByQuantity else { return [] }
        let known = workOrders.unrecorded.lazy.filter { $0.product == product.code }.map(\.number)
        return Set(records.releasedOrders(ofProduct: product.code)).union(known).union(numbers)
            .compactMap { workOrder($0) }.filter(\.isOpen)
    }
}

extension ProductCounts {
    fileprivate mutating func count(_ event: Event, of product: String, isSeen: Bool, seesBalances: Bool) {
        if event.product == product, isSeen, let after = event.after {
            for (status, sign) in [(event.before?.status, -1), (after.status, 1)] {
                switch status {
                case .inProduction: inProduction += sign
                case .returned: inRepacking += sign
                case .inStock: inStock += sign
                default: break
                }
            }
        }
        guard seesBalances else { return }
        switch event.change {
        case .stock(let change) where event.product == product: inStock += change
        case .returnItem(let change):
            guard let item = change.after ?? change.before, item.serial == nil, item.product == product else { break }
            inRepacking += (change.after?.open ?? 0) - (change.before?.open ?? 0)
            inStock += (change.after?.outcomes.restocked ?? 0) - (change.before?.outcomes.restocked ?? 0)
        default: break
        }
    }
}

extension Product {
    /// Whether it is made without serials: such goods come into stock by quantity.
    var isMadeByQuantity: Bool { routing == nil && serial == nil }
}
