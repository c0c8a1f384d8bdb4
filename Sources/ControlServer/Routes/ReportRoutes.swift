import ControlAPI
import Ledger
import Tracking

extension Control {
    static let reportRoutes = [
        Route(
            .get, "/reports/wip", "Units in production by product and stage", .report,
            output: .json(.items(.named(.wipLine)))
        ) { call in
            let access = call.access
            return call.items(try await call.read { try $0.wip(for: access) }) {
                [
                    "product": .string($0.product), "stage": .string($0.stage), "count": .int($0.count),
                    "oldest_at": .init(time: $0.oldestAt),
                ]
            }
        },
        Route(
            .get, "/reports/yield", "First-pass yield by product and stage; the last 30 days if not said otherwise",
            .report,
            query: period, output: .json(.items(.named(.yieldLine)))
        ) { call in
            let (access, plant, (from, to)) = (call.access, call.plant, call.reportPeriod)
            return call.items(try await call.read { try $0.yield(from: from, to: to, for: access, in: plant) }) {
                [
                    "product": .string($0.product), "stage": .string($0.stage), "passed": .int($0.passed),
                    "failed": .int($0.failed), "first_pass_yield": .double($0.firstPassYield),
                ]
            }
        },
        Route(
            .get, "/reports/throughput",
            "Stages passed and units finished by day and product; the last 30 days if not said otherwise", .report,
            query: period, output: .json(.items(.named(.throughputLine)))
        ) { call in
            let (access, plant, (from, to)) = (call.access, call.plant, call.reportPeriod)
            return call.items(try await call.read { try $0.throughput(from: from, to: to, for: access, in: plant) }) {
                [
                    "day": .string($0.day), "product": .string($0.product), "passed": .int($0.passed),
                    "finished": .int($0.finished),
                ]
            }
        },
    ]
}

extension Call {
    /// The period of a report.
    var reportPeriod: (from: Int64, to: Int64) {
        let from = time("from")
        let to = time("to", endOfDay: true) ?? max(control.clock().wall, from ?? 0) + 1
        return (from ?? to - 30 * 86_400_000, to)
    }

    /// All lines of a report.
    fileprivate func items<Line>(_ lines: [Line], _ render: (Line) -> JSONValue) -> ControlResponse {
        json(["items": .array(lines.map(render))])
    }
}
