/// A regular expression that serials from elsewhere must match as a whole, such as `SN[0-9]{6}[A-Z]`.
///
/// It is matched in time linear in the text, whatever it is: all ways through the expression are followed at once
/// (Thompson's construction, Pike's simulation), so that at most each of its parts is looked at once for each character.
/// What can't be matched so (back-references, looking ahead and behind, possessive parts) is refused.
///
/// It knows literals, `.`, classes (`[A-Z]`, `[^0-9]`), `\d`, `\w`, `\s` and their opposites, groups, `|`, the
/// repetitions `?`, `*`, `+`, `{n}`, `{n,}`, `{n,m}` (a `?` after one changes nothing), and `^` and `$`.
public struct SerialExpression: Hashable, Sendable {
    /// Why an expression can't be used.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// Where in the expression, in Unicode scalars from 0.
        public let offset: Int
        /// What is wrong and what would be right.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    /// The most bytes of an expression: its reader is recursive.
    public static let maximumLength = 200
    /// The most steps of the program that an expression becomes: what repetitions of repetitions multiply to.
    static let maximumSize = 4_000

    fileprivate enum Step: Hashable {
        /// Takes one of these characters.
        case take(Characters)
        /// Goes on in both places.
        case split(Int, Int)
        case jump(Int)
        case start, end
        case match
    }

    private let program: [Step]

    /// Reads an expression.
    public init(_ text: String) throws(Problem) {
        guard (1...Self.maximumLength).contains(text.utf8.count) else {
            throw Problem(offset: 0, message: "expected a regular expression of 1 to \(Self.maximumLength) bytes")
        }
        var reader = Reader(text)
        let expression = try reader.whole()
        var program: [Step] = []
        guard expression.append(to: &program), program.count < Self.maximumSize else {
            throw Problem(
                offset: 0, message: "the repetitions in this expression multiply to too much; use fewer or smaller ones"
            )
        }
        self.program = program + [.match]
    }

    /// Whether the whole text matches.
    public func matches(_ text: String) -> Bool {
        var steps = 0
        return matches(text, steps: &steps)
    }

    /// The same, counting the steps of the program that were looked at: at most as many as there are steps, for each
    /// character and once more.
    public func matches(_ text: String, steps: inout Int) -> Bool {
        let bytes = Array(text.utf8)
        var current: [Int] = []
        var marks = [Int](repeating: -1, count: program.count)
        var waiting: [Int] = []
        /// Follows what takes no character, each place once.
        func enter(_ place: Int, at position: Int, _ list: inout [Int]) {
            waiting.append(place)
            while let place = waiting.popLast() {
                guard marks[place] != position else { continue }
                marks[place] = position
                steps += 1
                switch program[place] {
                case .take, .match: list.append(place)
                case .split(let first, let second): waiting += [second, first]
                case .jump(let next): waiting.append(next)
                case .start: if position == 0 { waiting.append(place + 1) }
                case .end: if position == bytes.count { waiting.append(place + 1) }
                }
            }
        }
        enter(0, at: 0, &current)
        for (index, byte) in bytes.enumerated() {
            var next: [Int] = []
            for place in current {
                if case .take(let characters) = program[place], characters.contains(byte) {
                    enter(place + 1, at: index + 1, &next)
                }
            }
            if next.isEmpty { return false }
            current = next
        }
        return current.contains { program[$0] == .match }
    }

    /// How many steps the program has.
    public var size: Int { program.count }
}

/// A set of ASCII characters.
private struct Characters: Hashable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    static let all = Characters(0...127)
    static let digits = Characters(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let word = [UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z")]
        .reduce(digits.union(Characters(UInt8(ascii: "_")...UInt8(ascii: "_")))) { $0.union(Characters($1)) }
    static let space = Characters(0x09...0x0D).union(Characters(0x20...0x20))

    init(_ range: ClosedRange<UInt8>) {
        for byte in range { if byte < 64 { low |= 1 << byte } else { high |= 1 << (byte - 64) } }
    }

    private init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    func contains(_ byte: UInt8) -> Bool {
        byte < 64 ? low >> byte & 1 == 1 : byte < 128 && high >> (byte - 64) & 1 == 1
    }

    func union(_ other: Characters) -> Characters { Characters(low: low | other.low, high: high | other.high) }
    var inverted: Characters { Characters(low: ~low, high: ~high) }
}

/// What an expression says.
private indirect enum Expression {
    case characters(Characters)
    case sequence([Expression])
    case choice([Expression])
    case repetition(Expression, from: Int, to: Int?)
    case start, end

    /// Appends the program for it; false where that becomes too long.
    func append(to program: inout [SerialExpression.Step]) -> Bool {
        guard program.count < SerialExpression.maximumSize else { return false }
        switch self {
        case .characters(let characters): program.append(.take(characters))
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .sequence(let parts):
            for part in parts { guard part.append(to: &program) else { return false } }
        case .choice(let branches):
            var jumps: [Int] = []
            for (index, branch) in branches.enumerated() {
                let split = program.count
                if index < branches.count - 1 { program.append(.split(split + 1, split + 1)) }
                guard branch.append(to: &program) else { return false }
                if index < branches.count - 1 {
                    jumps.append(program.count)
                    program.append(.jump(0))
                    program[split] = .split(split + 1, program.count)
                }
            }
            for jump in jumps { program[jump] = .jump(program.count) }
        case .repetition(let part, let least, let most):
            for _ in 0..<least {
                let before = program.count
                guard part.append(to: &program) else { return false }
                // What takes nothing takes nothing however often.
                if program.count == before { return true }
            }
            guard let most else {
                let split = program.count
                program.append(.split(split + 1, split + 1))
                guard part.append(to: &program) else { return false }
                program.append(.jump(split))
                program[split] = .split(split + 1, program.count)
                return true
            }
            var splits: [Int] = []
            for _ in least..<most {
                splits.append(program.count)
                program.append(.split(program.count + 1, 0))
                guard part.append(to: &program) else { return false }
            }
            for split in splits { program[split] = .split(split + 1, program.count) }
        }
        return true
    }
}

/// Reads the text of an expression.
private struct Reader {
    typealias Problem = SerialExpression.Problem

    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private func isAhead(_ text: String) -> Bool { scalars[index...].starts(with: text.unicodeScalars) }

    private mutating func skip(_ text: String) -> Bool {
        guard isAhead(text) else { return false }
        index += text.unicodeScalars.count
        return true
    }

    private static func notLinear(_ what: String, at offset: Int) -> Problem {
        Problem(
            offset: offset,
            message: "cannot match \(what) in time linear in the serial; write out what the serials look like "
                + "without it")
    }

    mutating func whole() throws(Problem) -> Expression {
        let expression = try choice()
        guard next == nil else {
            throw Problem(offset: index, message: "this ) closes no group; write \\) for the character")
        }
        return expression
    }

    private mutating func choice() throws(Problem) -> Expression {
        var branches = [try sequence()]
        while skip("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(Problem) -> Expression {
        var parts: [Expression] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let start = index
            let part = try self.part()
            var repeated = part
            if let (least, most) = try repetition() {
                if case .start = part {
                    throw Problem(offset: start, message: "cannot repeat ^; leave the repetition out")
                }
                if case .end = part {
                    throw Problem(offset: start, message: "cannot repeat $; leave the repetition out")
                }
                repeated = .repetition(part, from: least, to: most)
                if isAhead("+") { throw Self.notLinear("a possessive repetition (a + after a repetition)", at: index) }
                // As few or as many as possible: the whole serial matches or it doesn't.
                _ = skip("?")
                if let scalar = next, "*+?{".unicodeScalars.contains(scalar) {
                    throw Problem(offset: index, message: "this repeats a repetition; put parentheses around that")
                }
            }
            parts.append(repeated)
        }
        return .sequence(parts)
    }

    private mutating func repetition() throws(Problem) -> (Int, Int?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        let start = index
        guard skip("{") else { return nil }
        let wrong = Problem(
            offset: start,
            message: "expected how often, from 0 to 1000, such as {6}, {2,} or {2,8}; write \\{ for the character")
        let least = try number(wrong)
        var most: Int? = least
        if skip(",") { most = next == "}" ? nil : try number(wrong) }
        guard skip("}"), let first = least ?? (most == nil ? nil : 0), most.map({ $0 >= first }) ?? true else {
            throw wrong
        }
        return (first, most)
    }

    /// nil where there is none.
    private mutating func number(_ wrong: Problem) throws(Problem) -> Int? {
        var digits = ""
        while let scalar = next, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            index += 1
        }
        if digits.isEmpty { return nil }
        guard digits.utf8.count <= 4, let number = Int(digits), number <= 1_000 else { throw wrong }
        return number
    }

    private mutating func part() throws(Problem) -> Expression {
        let start = index
        guard let scalar = next else { return .sequence([]) }
        index += 1
        switch scalar {
        case "(": return try group(at: start)
        case "[": return .characters(try characterClass(at: start))
        case ".": return .characters(.all)
        case "^": return .start
        case "$": return .end
        case "\\": return .characters(try escaped(at: start))
        case "*", "+", "?", "{":
            throw Problem(
                offset: start,
                message: "there is nothing to repeat before \(scalar); write \\\(scalar) for the character")
        default: return .characters(try single(scalar, at: start))
        }
    }

    private func single(_ scalar: Unicode.Scalar, at offset: Int) throws(Problem) -> Characters {
        guard scalar.isASCII, scalar.value >= 0x20 else {
            throw Problem(offset: offset, message: "no serial has this character; serials are printable ASCII")
        }
        let byte = UInt8(scalar.value)
        return Characters(byte...byte)
    }

    private mutating func group(at start: Int) throws(Problem) -> Expression {
        if skip("?") {
            if isAhead("=") || isAhead("!") { throw Self.notLinear("a look-ahead", at: start) }
            if isAhead("<=") || isAhead("<!") { throw Self.notLinear("a look-behind", at: start) }
            if isAhead(">") { throw Self.notLinear("an atomic group", at: start) }
            let isNamed = skip("<") || skip("P<")
            if isNamed {
                while let scalar = next,
                    scalar == "_" || scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                {
                    index += 1
                }
            }
            guard isNamed ? skip(">") : skip(":") else {
                throw Problem(
                    offset: start,
                    message: "cannot use this kind of group; there are ( ), (?: ) and (?<name> ), and for either case "
                        + "write both letters, as in [Aa]")
            }
        }
        let inside = try choice()
        guard skip(")") else { throw Problem(offset: start, message: "this ( has no )") }
        return inside
    }

    private mutating func escaped(at start: Int) throws(Problem) -> Characters {
        guard let scalar = next else {
            throw Problem(offset: start, message: "a character must follow \\; write \\\\ for the character")
        }
        index += 1
        switch scalar {
        case "d": return .digits
        case "D": return Characters.digits.inverted
        case "w": return .word
        case "W": return Characters.word.inverted
        case "s": return .space
        case "S": return Characters.space.inverted
        case "1"..."9", "k", "g": throw Self.notLinear("a back-reference", at: start)
        case "a"..."z", "A"..."Z", "0":
            throw Problem(
                offset: start,
                message:
                    "cannot use \\\(scalar); there are \\d, \\w and \\s with their opposites \\D, \\W and \\S, and \\ "
                    + "before a sign")
        default: return try single(scalar, at: start)
        }
    }

    private mutating func characterClass(at start: Int) throws(Problem) -> Characters {
        let isInverted = skip("^")
        var characters: Characters?
        func add(_ more: Characters) { characters = characters?.union(more) ?? more }
        while let scalar = next, scalar != "]" {
            let place = index
            if scalar == "[" {
                throw Problem(offset: place, message: "cannot use a class in a class; write \\[ for the character")
            }
            if ["&&", "--", "~~"].contains(where: isAhead) {
                throw Problem(offset: place, message: "cannot calculate with classes; write out the characters")
            }
            let (first, firstByte) = try member(at: place)
            guard isAhead("-"), index + 1 < scalars.count, scalars[index + 1] != "]" else {
                add(first)
                continue
            }
            index += 1
            let (_, lastByte) = try member(at: index)
            guard let firstByte, let lastByte, firstByte <= lastByte else {
                throw Problem(
                    offset: place,
                    message:
                        "expected a range from a character to a later one, such as A-Z; write \\- for the character")
            }
            add(Characters(firstByte...lastByte))
        }
        guard skip("]") else { throw Problem(offset: start, message: "this [ has no ]") }
        guard let characters else {
            throw Problem(offset: start, message: "expected the characters of the class; write \\] for the character")
        }
        return isInverted ? characters.inverted : characters
    }

    /// One member of a class, and its character where it is just one.
    private mutating func member(at place: Int) throws(Problem) -> (Characters, UInt8?) {
        guard let scalar = next else { throw Problem(offset: place, message: "this class has no ]") }
        index += 1
        guard scalar == "\\" else { return (try single(scalar, at: place), UInt8(exactly: scalar.value)) }
        let sign = next
        let characters = try escaped(at: place)
        let isSign = sign.map { !$0.properties.isAlphabetic } ?? false
        return (characters, isSign ? sign.flatMap { UInt8(exactly: $0.value) } : nil)
    }
}
