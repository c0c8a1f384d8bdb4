import Barcodes
import Labels
import Tracking

extension SiteRules {
    mutating func check(_ routing: Routing, _ path: String) {
        code(routing.code, "\(path).code")
        let stages = routing.versions.last ?? []
        if stages.isEmpty { report("\(path).stages", "a routing needs at least one stage") }
        if let last = stages.last, last.optional {
            report(
                "\(path).stages[\(stages.count - 1)].optional",
                "the last stage brings units into stock, so it can't be optional")
        }
        let names = Set(stages.map(\.name))
        var earlier: Set<String> = []
        for (index, stage) in stages.enumerated() {
            let place = "\(path).stages[\(index)]"
            check(stage.name, "\(place).name", .stage)
            if earlier.contains(stage.name), !stage.name.isEmpty {
                report(
                    "\(place).name", "this routing has a stage \(quoted(stage.name)) already; names are unique in it")
            }
            for (key, since) in [("min_since", stage.minSince), ("max_since", stage.maxSince)] {
                guard let since, !earlier.contains(since.stage) else { continue }
                let problem =
                    names.contains(since.stage)
                    ? "stage \(quoted(since.stage)) is not before this one; name an earlier stage"
                    : unknown("earlier stage", since.stage, among: earlier.sorted())
                report("\(place).\(key).stage", problem)
            }
            if let min = stage.minSince, let max = stage.maxSince, min.stage == max.stage, min.time >= max.time {
                report(
                    "\(place).max_since.time", "this can never be met; it must be longer than the time of `min_since`")
            }
            earlier.insert(stage.name)
        }
    }

    mutating func check(_ label: LabelDesign, _ path: String) {
        code(label.name, "\(path).name")
        guard label.zpl.utf8.count <= 64 * 1_024 else {
            return report("\(path).zpl", "expected a label of at most 65536 bytes, found \(label.zpl.utf8.count)")
        }
        do throws(LabelTemplate.Problem) {
            _ = try LabelTemplate(label.zpl)
        } catch {
            // From lines and characters to an offset in Unicode scalars.
            let lines = label.zpl.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            let before = lines.prefix(error.line - 1).reduce(0) { $0 + $1.count + 1 }
            let line = lines.indices.contains(error.line - 1) ? String(lines[error.line - 1]) : ""
            report("\(path).zpl", at: before + line.prefix(error.column - 1).unicodeScalars.count, error.message)
        }
    }

    mutating func check(_ product: Product, _ path: String) {
        code(product.code, "\(path).code")
        line(product.name, "\(path).name")
        code(product.type, "\(path).type")
        for (name, value) in product.attributes.sorted(by: { $0.key < $1.key }) {
            line(name, "\(path).attributes.\(name)", most: 64)
            line(value, "\(path).attributes.\(name)")
        }
        if let gtin = product.gtin, GTIN.normalized(gtin) != gtin {
            report("\(path).gtin", "expected a GTIN of 14 digits with its check digit, found \(quoted(gtin))")
        }
        check(product.serial, of: product.code, "\(path).serial")
        if product.retired { return }
        _ = find(
            product.routing, "routing", "routings", in: plant.routings, retired: \.retired, from: "\(path).routing")
        _ = find(product.label, "label", "labels", in: plant.labels, retired: \.retired, from: "\(path).label")
        _ = find(
            product.supplier, "supplier", "suppliers", in: plant.suppliers, retired: \.retired, from: "\(path).supplier"
        )
    }

    private mutating func check(_ rule: SerialRule?, of product: String, _ path: String) {
        switch rule {
        case nil: break
        case .pattern(let pattern, let per):
            guard let period = SerialPattern.Period(rawValue: per) else {
                return report(
                    "\(path).per", unknown("period", per, among: SerialPattern.Period.allCases.map(\.rawValue)))
            }
            do throws(SerialPattern.Problem) {
                if let misreading = try SerialPattern(pattern, per: period).misreading(product: product) {
                    report("\(path).pattern", "a scan of these serials would be read \(misreading)")
                }
            } catch {
                report("\(path).pattern", at: error.offset, error.message)
            }
        case .external(let expression):
            do throws(SerialExpression.Problem) {
                _ = try SerialExpression(expression)
            } catch {
                report("\(path).external", at: error.offset, error.message)
            }
        }
    }
}
