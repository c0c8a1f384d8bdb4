import Barcodes
import Tracking

extension SiteRules {
    /// A scan of exactly a text finds exactly one thing: codes, GTINs and badges differ among themselves and from what has
    /// a name beside the site file.
    ///
    /// A product that is retired keeps its code, and leaves its GTIN to whoever takes it over.
    mutating func names(
        badges codes: [String: String], owner: (_ name: String) -> String?, badgeDigest: (_ code: String) -> String
    ) {
        let products = plant.products.sorted { $0.key < $1.key }.filter { !$0.key.hasPrefix(Self.nameless) }
        var wearers: [String: String] = [:]
        for (login, person) in plant.people where !person.retired && !isDoubtful("people[\(login)].badge") {
            if let badge = person.badge { wearers[badge] = login }
        }
        var gtins: [String: String] = [:]
        for (code, product) in products {
            if let misreading = Name.misreading(of: code) {
                report("products[\(code)].code", "a scan of this code would be read \(misreading); use another")
            }
            for name in product.names.sorted() {
                let path = "products[\(code)].\(name == code ? "code" : "gtin")"
                if let wearer = wearers.isEmpty ? nil : wearers[badgeDigest(name)] {
                    report(path, "\(quoted(name)) is the badge of \(quoted(wearer)); badges and products differ")
                }
                if let taken = owner(name) { report(path, "\(quoted(name)) is taken: it is \(taken)") }
                guard name != code, !product.retired else { continue }
                if plant.products[name] != nil {
                    report(path, "\(quoted(name)) is the code of another product; codes and GTINs differ")
                } else if let other = gtins.updateValue(code, forKey: name) {
                    report(path, "this is the GTIN of \(quoted(other)) too; every product has its own")
                    break
                }
            }
        }
        for (login, code) in codes.sorted(by: { $0.key < $1.key }) {
            if let taken = owner(code) { report("people[\(login)].badge", "this badge code is taken: it is \(taken)") }
        }
    }
}
