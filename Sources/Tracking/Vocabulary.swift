/// Words of the contract. One of them can have a second word, which is taken for it; what is stored and shown is the first.
public protocol Vocabulary: CaseIterable, RawRepresentable, Sendable where RawValue == String {
    /// Second words, with what they mean.
    static var secondWords: [String: Self] { get }
}

extension Vocabulary {
    /// None.
    public static var secondWords: [String: Self] { [:] }

    /// Everything that is taken for one of the words, with the word: each word and second word, also with spaces or
    /// hyphens as tables and people write them.
    public static var spellings: [String: String] {
        var words = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.rawValue) })
        for (second, word) in secondWords { words[second] = word.rawValue }
        for (spelling, word) in words where spelling.utf8.contains(UInt8(ascii: "_")) {
            for separator in [" ", "-"] {
                words[spelling.split(separator: "_").joined(separator: separator)] = word
            }
        }
        return words
    }

    /// The word that is spelt like this.
    public init?(spelling: String) {
        guard let word = Self.spellings[spelling] else { return nil }
        self.init(rawValue: word)
    }
}

extension Status: Vocabulary {
    /// Words that people use for some statuses.
    public static var secondWords: [String: Status] {
        ["stock": .inStock, "production": .inProduction, "defective": .defect]
    }
}

extension ReturnCondition: Vocabulary {
    /// The contract names these conditions with two words.
    public static var secondWords: [String: ReturnCondition] {
        ["unused": .new, "used": .good, "destroyed": .unsellable]
    }
}

extension RepackingStatus: Vocabulary {
    /// As the status of units.
    public static var secondWords: [String: RepackingStatus] { ["written_off": .writeOff] }
}

extension RepackingAction: Vocabulary {}
extension ReturnKind: Vocabulary {}
extension ReturnReason: Vocabulary {}
extension ReturnStatus: Vocabulary {}
extension ReturnDecision: Vocabulary {}
extension ReturnItem.Photo.Kind: Vocabulary {}
extension QCTask.Status: Vocabulary {}
extension QCTask.Answer: Vocabulary {}
extension DefectStatus: Vocabulary {}
extension DefectSource: Vocabulary {}
extension Disposition: Vocabulary {}
extension WriteOffReason: Vocabulary {}
extension WriteOffSource: Vocabulary {}
extension WorkOrderStatus: Vocabulary {}
extension LabelJobStatus: Vocabulary {}
extension InventoryAction: Vocabulary {}
extension EventKind: Vocabulary {}
extension Role: Vocabulary {}
extension Grant: Vocabulary {}
