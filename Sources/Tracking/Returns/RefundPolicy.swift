/// How much of the price is suggested to be paid back, in percent.
///
/// Goods that the plant is to blame for (wrong, damaged or defective ones) are paid back by their reason, all others by
/// the condition in which they came.
public struct RefundPolicy: Sendable, Equatable, Codable {
    /// Percent by reason; a reason that is not here leaves it to the condition.
    public var reasons: [String: Int]
    /// Percent by condition.
    public var conditions: [String: Int]

    /// What holds where the site file says nothing.
    public static let usual = RefundPolicy(
        reasons: ["wrong_item": 100, "damaged": 100, "defective": 100],
        conditions: ["new": 100, "like_new": 90, "good": 70, "damaged": 40, "defective": 40, "unsellable": 0])

    /// A policy; what it does not name is as usual.
    public init(reasons: [String: Int], conditions: [String: Int]) {
        (self.reasons, self.conditions) = (reasons, conditions)
    }

    /// The suggested percentage; nil where neither the reason nor a known condition tells.
    public func percent(_ reason: ReturnReason, _ condition: ReturnCondition?) -> Int? {
        if let percent = reasons[reason.rawValue] { return percent }
        return condition.flatMap { conditions[$0.rawValue] }
    }
}

extension Settings {
    /// The refund policy, with what the site file leaves out as usual.
    public var refunds: RefundPolicy {
        guard let refundPolicy else { return .usual }
        return RefundPolicy(
            reasons: RefundPolicy.usual.reasons.merging(refundPolicy.reasons) { $1 },
            conditions: RefundPolicy.usual.conditions.merging(refundPolicy.conditions) { $1 })
    }

    /// What is looked at when goods of this kind of return are inspected.
    public func checklist(_ kind: ReturnKind) -> [String] {
        returnChecklists?[kind.rawValue] ?? QCTask.usualQuestions
    }

    /// The suggested refund for an item of a return.
    public func refund(_ item: ReturnItem, of found: CustomerReturn) -> Int? {
        (found.refundPolicy ?? refunds).percent(item.reason ?? found.reason, item.condition)
    }

    /// The suggested refund for items of a return together: each counts as often as it has pieces. Nil where there is
    /// none for one of them.
    public func refund(_ items: [ReturnItem], of found: CustomerReturn) -> Int? {
        var (sum, count) = (0.0, 0.0)
        for item in items {
            guard let percent = refund(item, of: found) else { return nil }
            sum += Double(percent) * Double(item.quantity)
            count += Double(item.quantity)
        }
        return count == 0 ? nil : Int((sum / count).rounded())
    }
}
