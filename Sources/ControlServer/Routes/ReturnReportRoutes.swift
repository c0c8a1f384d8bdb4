import ControlAPI
import Ledger
import Tracking

extension Control {
    static let returnReportRoutes = [
        Route(
            .get, "/reports/returns",
            "What came back in a period, counted together; the last 30 days if not said otherwise", .report,
            query: [
                .init("by", .choice(ReturnGrouping.allCases.map(\.rawValue)), "Counted by this; product if not given.")
            ] + period, output: .json(.named(.returnReport))
        ) { call in
            let (access, (from, to)) = (call.access, call.reportPeriod)
            let grouping: ReturnGrouping = call.word("by") ?? .product
            let (lines, sum) = try await call.read {
                try $0.returnFigures(by: grouping, from: from, to: to, for: access)
            }
            return call.json(["items": .array(lines.map(\.json)), "totals": sum.json])
        }
    ]
}
