import Barcodes

/// What a text is the name of. A text is the name of one kind of thing only, so that a scan of exactly it finds that.
public enum NameOwner: Sendable, Equatable {
    /// It is the serial of a unit.
    case unit
    /// It is the serial of a label, also of one that was taken back.
    case label
    /// It is a badge.
    case badge
    /// It is the code of this product, or stands for its GTIN.
    case product(String)
    /// It is the number of a work order, or of an order. One number may be both: a station takes one of the two kinds.
    case order

    /// What it is, in words that follow "it is".
    public var words: String {
        switch self {
        case .unit: "the serial of a unit"
        case .label: "the serial of a label"
        case .badge: "a badge"
        case .product(let code): "the code or a GTIN of the product \(code)"
        case .order: "the number of an order"
        }
    }
}

extension Product {
    /// Every text that a scan of finds this product: its code, its GTIN in each of its lengths, and that as a UPC-E.
    public var names: Set<String> { Set([code] + (gtin.map(GTIN.forms) ?? [])) }
}

extension State {
    /// What has this text as its name; nil for a free one.
    mutating func owner(of name: String) -> NameOwner? {
        if let owner = ownerBesideThePlant(name) { return owner }
        if let product = plant.product(named: name) { return .product(product.code) }
        return isBadge(name) ? .badge : nil
    }

    /// The unit, label or order that has this name.
    private mutating func ownerBesideThePlant(_ name: String) -> NameOwner? {
        if unit(name) != nil { return .unit }
        if pendingLabel(name) != nil { return .label }
        return workOrder(name) != nil || isOrder(name) ? .order : nil
    }

    /// Refuses a text that can't become a serial, or the number of an order that nobody has yet: one that a scan would
    /// take for something else, or that is something else's name.
    ///
    /// `what` names the kind of thing, such as `serial`. Only products are named as the owner: units and orders may lie outside
    /// the caller's scope, and badges are nobody's business.
    mutating func checkNewName(_ name: String, _ what: String) throws(Refusal) {
        if let misreading = Name.misreading(of: name) {
            throw Refusal(
                .invalid,
                "cannot use the \(what) \(name): a scan of it would be read \(misreading); use what is in it, "
                    + "or another \(what)")
        }
        switch owner(of: name) {
        case nil: break
        case .product(let code):
            throw Refusal(
                .conflict,
                "the \(what) \(name) is taken: it is \(name == code ? "the code" : "the GTIN") of the product \(code)")
        case let owner?:
            var refusal = Refusal(.conflict, "the \(what) \(name) is taken")
            refusal.namesBadge = owner == .badge
            throw refusal
        }
    }

    /// Refuses changes that give a product a name which units or orders have, and badges that are such names. (That
    /// products and badges differ among themselves is a rule of the site file.)
    mutating func checkNames(of changes: [PlantChange], badges: [String]) throws(Refusal) {
        for case .product(let product) in changes {
            for name in product.names.subtracting(plant.products[product.code]?.names ?? []).sorted() {
                if let owner = ownerBesideThePlant(name) {
                    throw Refusal(.conflict, "the product \(product.code) can't have \(name): it is \(owner.words)")
                }
            }
        }
        for badge in badges {
            if let owner = ownerBesideThePlant(badge) {
                throw Refusal(.conflict, "a badge code is taken: it is \(owner.words); use another badge")
            }
        }
    }
}
