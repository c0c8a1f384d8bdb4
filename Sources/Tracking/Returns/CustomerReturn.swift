/// Goods that a customer sends back under one order, from their announcement or arrival until every piece of them was
/// carried to where it belongs.
///
/// The pieces are `ReturnItem`s of their own: a return can have thousands.
public struct CustomerReturn: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that made it.
    public var id: String
    /// Number of the order that the goods come back from.
    public var order: String
    /// Who sends them.
    public var customer: String?
    /// Whether something is sent instead.
    public var kind: ReturnKind
    /// Why they come back; an item can have a reason of its own.
    public var reason: ReturnReason
    /// Where it stands.
    public var status = ReturnStatus.created
    /// Announced, and nothing of it is here yet.
    public var isExpected: Bool
    /// When it was made, in milliseconds since 1970.
    public var createdAt: Int64
    /// Login of the person who made it.
    public var createdBy: String?
    /// Login of the person who inspects it, once the inspection was started.
    public var inspector: String?
    /// What is to be looked at, once the inspection was started.
    public var task: QCTask?
    /// When it was completed or cancelled, in milliseconds since 1970.
    public var endedAt: Int64?
    /// What was written when it was cancelled.
    public var note: String?
    /// Suggested refund in percent over all of its pieces, once it is completed.
    public var refund: Int?
    /// The plant's refund policy as it was when the return was completed: what was suggested then does not change.
    public var refundPolicy: RefundPolicy?
    /// When it last changed, in milliseconds since 1970.
    public var updatedAt: Int64
    /// Number of the event that last changed it. Set when that event is applied.
    public var lastEvent: Int64 = 0

    /// A return that was just made.
    public init(
        id: String, order: String, customer: String?, kind: ReturnKind, reason: ReturnReason, isExpected: Bool,
        createdAt: Int64, createdBy: String?
    ) {
        (self.id, self.order, self.customer, self.kind, self.reason) = (id, order, customer, kind, reason)
        (self.isExpected, self.createdAt, self.createdBy, updatedAt) = (isExpected, createdAt, createdBy, createdAt)
    }

    /// Whether goods can still be added, looked at and put back.
    public var isOpen: Bool { status == .created || status == .inspecting }
}

/// Whether a customer wants something else instead.
public enum ReturnKind: String, Sendable, Codable, CaseIterable {
    /// Sent back.
    case `return`
    /// Sent back for something else.
    case exchange
}

/// Why a customer sends goods back.
public enum ReturnReason: String, Sendable, Codable, CaseIterable {
    /// Not what was ordered.
    case wrongItem = "wrong_item"
    /// Came damaged.
    case damaged
    /// Not wanted any more.
    case changedMind = "changed_mind"
    /// Does not work.
    case defective
    /// Does not fit.
    case sizeIssue = "size_issue"
    /// Something else, or not said.
    case other
}

/// Where a return stands.
public enum ReturnStatus: String, Sendable, Codable, CaseIterable {
    /// Announced, or here.
    case created
    /// Somebody looks at it.
    case inspecting
    /// Everything was decided and carried out; final.
    case completed
    /// It is as if it had not been; final.
    case cancelled
}

/// In which condition goods came back.
public enum ReturnCondition: String, Sendable, Codable, CaseIterable {
    /// Never used.
    case new
    /// Hardly used.
    case likeNew = "like_new"
    /// Used.
    case good
    /// Damaged.
    case damaged
    /// Does not work.
    case defective
    /// Destroyed; never goes back into stock.
    case unsellable
}

/// What is to become of goods that came back.
public enum ReturnDecision: String, Sendable, Codable, CaseIterable {
    /// Into stock.
    case restock
    /// Into production, at the plant's rework stage.
    case refurbish
    /// Written off.
    case dispose
    /// Into a defect case, for the supplier.
    case returnToSupplier = "return_to_supplier"
}

/// The task of quality control that the inspection of a return is, with its checklist.
public struct QCTask: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that started the inspection.
    public var id: String
    /// Where it stands.
    public var status = Status.pending
    /// What is to be looked at.
    public var checklist: [Check]
    /// When it was made, in milliseconds since 1970.
    public var startedAt: Int64
    /// When it was completed or cancelled, in milliseconds since 1970.
    public var endedAt: Int64?

    /// A task with an unanswered checklist.
    public init(id: String, questions: [String], startedAt: Int64) {
        (self.id, self.startedAt) = (id, startedAt)
        checklist = questions.map { Check(question: $0) }
    }

    /// Whether something of the checklist was not as it should be; nil while the task is pending or was cancelled.
    public var passed: Bool? {
        status == .completed ? checklist.allSatisfy { $0.answer != .no } : nil
    }

    /// What nobody may restock past: a question that was answered `no` without a note; nil where there is none.
    var unexplained: String? {
        let isUnexplained = { (check: Check) in check.answer == .no && check.note?.allSatisfy(\.isWhitespace) ?? true }
        guard let index = checklist.firstIndex(where: isUnexplained) else { return nil }
        return "question \(index + 1) of its checklist was answered no without a note: \(checklist[index].question)"
    }

    /// Where a task stands.
    public enum Status: String, Sendable, Codable, CaseIterable {
        /// To be done.
        case pending
        /// Done.
        case completed
        /// Not to be done any more.
        case cancelled
    }

    /// One line of a checklist.
    public struct Check: Sendable, Equatable, Codable {
        /// What is asked.
        public var question: String
        /// What was found.
        public var answer: Answer?
        /// What there is to say to it.
        public var note: String?

        init(question: String) { self.question = question }
    }

    /// What can be found.
    public enum Answer: String, Sendable, Codable, CaseIterable {
        /// As it should be.
        case yes
        /// Not as it should be.
        case no
        /// Does not apply here.
        case notApplicable = "not_applicable"
    }

    /// What is looked at where the site file says nothing else.
    public static let usualQuestions = [
        "All items match the return request", "Packaging is in order", "Inspected for damage and defects",
        "The product is authentic", "The condition is documented with photos",
    ]
}

/// A return from before an event and from after it.
public struct ReturnChange: Sendable, Equatable, Codable {
    /// Before; nil for one that was just made.
    public var before: CustomerReturn?
    /// After; nil for one whose making was taken back.
    public var after: CustomerReturn?
    /// What is in it, where others wait for that: when it is announced, made and completed.
    public var lines: [Line]?

    init(_ before: CustomerReturn?, _ after: CustomerReturn?, lines: [Line]? = nil) {
        (self.before, self.after, self.lines) = (before, after, lines)
    }

    /// What an order or payment system needs to know of an item.
    public struct Line: Sendable, Equatable, Codable {
        /// Code of the product.
        public var product: String
        /// The unit; nil for goods without serials.
        public var serial: String?
        /// How many.
        public var quantity: Int
        /// In which condition it came.
        public var condition: ReturnCondition?
        /// What became of it.
        public var decision: ReturnDecision?
        /// Suggested refund in percent.
        public var refund: Int?
    }
}
