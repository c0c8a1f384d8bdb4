public import Tracking

/// How many units passed a stage at once.
///
/// A unit counts once for each stage at which it had a verdict in the period: a passage, a failure, or a disposition
/// (rework, scrap) from the bench. It passed at once where it passed in iteration 0, that is without having been sent
/// back from anywhere. What was taken back never happened, and defects marked away from a station are no verdicts.
public struct Yield: Sendable, Equatable {
    /// Code of the product.
    public var product: String
    /// Name of the stage.
    public var stage: String
    /// Units that passed at once.
    public var passed: Int
    /// Other units that had a verdict here: they failed, or had been sent back before.
    public var failed: Int
    /// Units that passed at once per unit with a verdict, 0 to 1.
    public var firstPassYield: Double { Double(passed) / Double(passed + failed) }
}

extension Connection {
    /// First-pass yield by product and stage over a period, over the units of the caller's teams; nothing for a
    /// caller who sees only units in their own hands.
    ///
    /// Reads every event of the period, in short statements.
    /// - Parameters:
    ///   - from: the beginning, in milliseconds since 1970.
    ///   - to: the end, which is not part of the period.
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days.
    public func yield(from: Int64, to: Int64, for access: Access, in plant: Plant) throws -> [Yield] {
        let period = try Period(from: from, to: to)
        var tallies: [[String]: Tally] = [:]
        try forEachStep(period, [.unitPassed, .unitFailed, .unitDefect], for: access, in: plant) { step, sign in
            guard let stage = step.verdictStage else { return }
            tallies[[step.product, stage], default: Tally()].count(step, stage, sign, period)
        }
        return tallies.compactMap { key, tally in
            let failed = tally.others.values.count { $0.verdicts > 0 && !$0.passedAtOnce }
            guard tally.passed + failed > 0 else { return nil }
            return Yield(product: key[0], stage: key[1], passed: tally.passed, failed: failed)
        }.sorted { ($0.product, $0.stage) < ($1.product, $1.stage) }
    }
}

/// The verdicts at one stage of one product.
private struct Tally {
    /// Units that passed in iteration 0; none does so twice.
    var passed = 0
    /// Units with other verdicts, by serial. Few have them, where most pass at once: those are only counted.
    var others: [String: (verdicts: Int, passedAtOnce: Bool)] = [:]

    mutating func count(_ step: Step, _ stage: String, _ sign: Int, _ period: Period) {
        guard let before = step.before else { return }
        if step.kind == .unitPassed, before.iteration == 0 {
            passed += sign
            return
        }
        if (others[step.unit]?.verdicts ?? 0) == 0 {
            let passedAtOnce = before.passedAt(stage).map(period.contains) ?? false
            others[step.unit] = (0, passedAtOnce)
        }
        others[step.unit]?.verdicts += sign
    }
}

extension Step {
    /// The stage that this is a verdict on: passed, failed, or found defective on the bench.
    fileprivate var verdictStage: String? {
        switch kind {
        case .unitPassed: after?.passed.last?.stage
        case .unitFailed: after?.failedStage
        case .unitDefect: station != nil && before?.status == .inProduction ? after?.failedStage : nil
        default: nil
        }
    }
}
