import ControlAPI
import Ledger
import Tracking

extension Control {
    static let defectReportRoutes = [
        Route(
            .get, "/reports/defects",
            "Defect cases that were found in a period, counted together; the last 30 days if not said otherwise",
            .report,
            query: [
                .init(
                    "by", .choice(DefectGrouping.allCases.map(\.rawValue)), "Counted by this; product if not given."),
                .init("product", .filter, "Of this product."), .init("location", .filter, "At this location."),
                .init("status", .word(DefectStatus.self), "In this status."),
                .init("supplier", .filter, "Of this supplier."),
            ] + period, output: .json(.named(.defectReport))
        ) { call in
            let (access, plant, (from, to)) = (call.access, call.plant, call.reportPeriod)
            let grouping: DefectGrouping = call.word("by") ?? .product
            var filter = DefectFiguresFilter()
            (filter.product, filter.location) = (call.query["product"]?.string, call.query["location"]?.string)
            (filter.status, filter.supplier) = (call.word("status"), call.query["supplier"]?.string)
            let (lines, sum) = try await call.read { [filter] in
                try $0.defectFigures(by: grouping, filter, from: from, to: to, for: access, in: plant)
            }
            return call.json([
                "items": .array(lines.map { $0.json(for: access) }), "totals": sum.json(for: access),
            ])
        },
        Route(
            .get, "/reports/spare-parts",
            "Spare parts that repairs took in a period; the last 30 days if not said otherwise", .report,
            query: period, output: .json(.named(.costReport))
        ) { call in
            let (access, (from, to)) = (call.access, call.reportPeriod)
            let lines = try await call.read { try $0.sparePartFigures(from: from, to: to, for: access) }
            return call.json(["items": .array(lines.map { $0.json(for: access) })])
        },
        Route(
            .get, "/reports/write-offs",
            "What was written off in a period, from wherever; the last 30 days if not said otherwise", .report,
            query: [
                .init("by", .choice(WriteOffGrouping.allCases.map(\.rawValue)), "Counted by this; reason if not given.")
            ] + period, output: .json(.named(.costReport))
        ) { call in
            let (access, (from, to)) = (call.access, call.reportPeriod)
            let grouping: WriteOffGrouping = call.word("by") ?? .reason
            let (lines, sum) = try await call.read {
                try $0.writeOffFigures(by: grouping, from: from, to: to, for: access)
            }
            return call.json([
                "items": .array(lines.map { $0.json(for: access) }), "totals": sum.json(for: access),
            ])
        },
    ]
}
