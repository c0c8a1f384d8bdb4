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
            let lines = call.plant.inOrderOfRouting(try await call.read { try $0.wip(for: access) }, \.product, \.stage)
            return call.items(lines) {
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
            let lines = try await call.read { try $0.yield(from: from, to: to, for: access, in: plant) }
            return call.items(plant.inOrderOfRouting(lines, \.product, \.stage)) {
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

extension Plant {
    /// Lines by product, and within it in the order in which its units pass the stages.
    fileprivate func inOrderOfRouting<Line>(
        _ lines: [Line], _ product: KeyPath<Line, String>, _ stage: KeyPath<Line, String>
    ) -> [Line] {
        func position(_ line: Line) -> Int {
            let versions = products[line[keyPath: product]]?.routing.flatMap { routings[$0] }?.versions ?? []
            // Units that began earlier may still be at a stage that the newest version lacks.
            for stages in versions.reversed() {
                if let place = stages.firstIndex(where: { $0.name == line[keyPath: stage] }) { return place }
            }
            return .max
        }
        return lines.map { ($0[keyPath: product], position($0), $0[keyPath: stage], $0) }
            .sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
    }
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
