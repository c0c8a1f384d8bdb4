/// How the serials of a product are made, such as `{product}-{yy}{ww}-{seq:4}`: literals, dates, the order number, a
/// counter, a check character.
///
/// A pattern that could make the same serial twice from different counts is refused when it is read. Placeholders:
///
/// | placeholder | becomes |
/// | --- | --- |
/// | `{product}`, `{order}` | the product's code, the work order's number |
/// | `{yy}`, `{yyyy}` | the year; the ISO 8601 week-year if the pattern has `{ww}` |
/// | `{mm}`, `{dd}`, `{ww}` | month, day of the month, ISO 8601 week, two digits each |
/// | `{seq:N}` | the counter in at least N digits; it grows when they are used up |
/// | `{check:luhn}`, `{check:mod37_36}` | the check character of everything before it |
public struct SerialPattern: Hashable, Sendable, CustomStringConvertible {
    /// What the counter starts anew with.
    public enum Period: String, CaseIterable, Hashable, Sendable {
        /// Never: one counter for the product.
        case product
        /// One counter for each work order.
        case order
        /// One counter for each day in the plant's time zone.
        case day
        /// One counter for each ISO 8601 week in the plant's time zone.
        case week
    }

    /// Why a pattern can't be used, or makes no serial.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// Where in the pattern, in characters from 0.
        public let offset: Int
        /// What is wrong and what would be right.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    private enum Part: Hashable {
        case literal(String)
        case product, order, shortYear, year, month, day, week
        case counter(width: Int)
        case check(CheckCharacter)
    }

    /// The pattern as it was written.
    public let description: String
    /// What the counter starts anew with.
    public let per: Period
    private let parts: [Part]

    /// Reads a pattern, and makes sure that it never repeats a serial while its counter goes on.
    public init(_ text: String, per: Period) throws(Problem) {
        description = text
        self.per = per
        let located = try Self.parse(text)
        parts = located.map(\.part)
        try Self.check(located, per: per, end: text.unicodeScalars.count)
    }

    /// What the counter is counted by, to be stored beside its value: `PCB-100`, `PCB-100/1001`,
    /// `PCB-100/2026-03-02` or `PCB-100/2026-W10`. A key never seen before begins at 1.
    public func counterKey(product: String, order: String?, date: LocalDate) -> String {
        switch per {
        case .product: product
        case .order: "\(product)/\(order ?? "")"
        case .day: "\(product)/\(date)"
        case .week: "\(product)/\(LocalDate.padded(date.weekYear, 4))-W\(LocalDate.padded(date.week, 2))"
        }
    }

    /// How a scan of every serial of this pattern would be read, in words that follow "it would be read"; nil where they are
    /// read as themselves, but for some counts perhaps.
    public func misreading(product: String) -> String? {
        let date = LocalDate(daysSince1970: 20_000)
        let serials = (1...20).compactMap { try? serial(product: product, order: "1", date: date, counter: $0) }
        let misreadings = serials.compactMap(Name.misreading)
        return serials.isEmpty || misreadings.count < serials.count ? nil : misreadings[0]
    }

    /// The serial with this count.
    ///
    /// - Parameters:
    ///   - product: the product's code.
    ///   - order: the work order's number, if there is one.
    ///   - date: the day in the plant's time zone.
    ///   - counter: the count in the counter of `counterKey`, from 1.
    /// - Throws: if the order is missing, or the result is no serial (over 64 characters, say).
    public func serial(product: String, order: String?, date: LocalDate, counter: Int) throws(Problem) -> String {
        guard counter > 0 else {
            throw Problem(offset: 0, message: "cannot make a serial with the count \(counter): counts begin at 1")
        }
        let year = parts.contains(.week) ? date.weekYear : date.year
        var serial = ""
        for part in parts {
            switch part {
            case .literal(let text): serial += text
            case .product: serial += product
            case .order:
                guard let order, !order.isEmpty else {
                    throw Problem(
                        offset: offset(of: "{order}"),
                        message: "cannot make a serial without a work order: the pattern has {order}; name one first")
                }
                serial += order
            case .shortYear: serial += LocalDate.padded(floorMod(year, 100), 2)
            case .year: serial += LocalDate.padded(year, 4)
            case .month: serial += LocalDate.padded(date.month, 2)
            case .day: serial += LocalDate.padded(date.day, 2)
            case .week: serial += LocalDate.padded(date.week, 2)
            case .counter(let width): serial += LocalDate.padded(counter, width)
            case .check(let scheme): serial.append(scheme.character(for: serial))
            }
        }
        do throws(Serial.Problem) {
            try Serial.check(serial)
        } catch {
            throw Problem(offset: 0, message: "cannot use what the pattern makes, \"\(serial)\": \(error.message)")
        }
        return serial
    }
}

extension SerialPattern {
    private typealias Located = (offset: Int, part: Part)

    private static let placeholders =
        "{product} {order} {yy} {yyyy} {mm} {dd} {ww} {seq:4} {check:luhn} {check:mod37_36}"

    private static func parse(_ text: String) throws(Problem) -> [Located] {
        var parts: [Located] = []
        var literal: Located?
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            if scalars[index] == "{" {
                if let literal { parts.append(literal) }
                literal = nil
                guard let length = scalars[index...].firstIndex(of: "}").map({ $0 - index }) else {
                    throw Problem(offset: index, message: "cannot read the pattern: this { has no }")
                }
                var name = String.UnicodeScalarView()
                name.append(contentsOf: scalars[(index + 1)..<(index + length)])
                parts.append((index, try placeholder(String(name), at: index)))
                index += length + 1
                continue
            }
            guard (0x21...0x7E).contains(scalars[index].value), scalars[index] != "}" else {
                let what = scalars[index] == " " ? "a space" : "\"\(scalars[index])\""
                throw Problem(
                    offset: index,
                    message: "cannot use \(what) in a serial: use printable ASCII without spaces and braces")
            }
            var (start, characters) = (index, "")
            if let literal, case .literal(let before) = literal.part { (start, characters) = (literal.offset, before) }
            characters.unicodeScalars.append(scalars[index])
            literal = (start, .literal(characters))
            index += 1
        }
        if let literal { parts.append(literal) }
        return parts
    }

    private static func placeholder(_ name: String, at offset: Int) throws(Problem) -> Part {
        switch name {
        case "product": return .product
        case "order": return .order
        case "yy": return .shortYear
        case "yyyy": return .year
        case "mm": return .month
        case "dd": return .day
        case "ww": return .week
        default: break
        }
        let words = name.split(separator: ":", omittingEmptySubsequences: false)
        if words.first == "seq" {
            guard words.count == 2, words[1].utf8.allSatisfy(isDigit), let width = Int(words[1]), 1...18 ~= width else {
                throw Problem(
                    offset: offset,
                    message: "cannot use {\(name)}: say in how many digits to count, 1 to 18, such as {seq:4}")
            }
            return .counter(width: width)
        }
        if words.first == "check" {
            guard words.count == 2, let scheme = CheckCharacter(rawValue: String(words[1])) else {
                throw Problem(offset: offset, message: "cannot use {\(name)}: use {check:luhn} or {check:mod37_36}")
            }
            return .check(scheme)
        }
        throw Problem(offset: offset, message: "cannot use {\(name)}: there are \(placeholders)")
    }

    /// Makes sure that two counts never give one serial: the counter must be there, its period must be readable from
    /// the serial, and where it begins and ends must be clear.
    private static func check(_ parts: [Located], per: Period, end: Int) throws(Problem) {
        func first(_ wanted: (Part) -> Bool) -> Int? { parts.firstIndex { wanted($0.part) } }
        func has(_ part: Part) -> Bool { first { $0 == part } != nil }
        func isCounter(_ part: Part) -> Bool { if case .counter = part { true } else { false } }
        func isCheck(_ part: Part) -> Bool { if case .check = part { true } else { false } }

        guard let counter = first(isCounter) else {
            throw Problem(offset: end, message: "cannot make serials without a counter: add one, such as {seq:4}")
        }
        if let second = parts.lastIndex(where: { isCounter($0.part) }), second != counter {
            throw Problem(offset: parts[second].offset, message: "cannot use a second counter: keep one {seq:N}")
        }
        if let check = first(isCheck), check != parts.count - 1 {
            throw Problem(
                offset: parts[check].offset,
                message: "cannot use a check character here: there can be one, at the pattern's end")
        }
        if let order = first({ $0 == .order }) {
            if let second = parts.lastIndex(where: { $0.part == .order }), second != order {
                throw Problem(offset: parts[second].offset, message: "cannot use {order} twice: keep one of them")
            }
            // Both vary in length, so order 1 with count 11 would look like order 11 with count 1.
            let between = parts[min(order, counter)..<max(order, counter)]
            let separated = between.contains {
                if case .literal(let text) = $0.part { !text.utf8.allSatisfy(isDigit) } else { false }
            }
            guard separated else {
                throw Problem(
                    offset: parts[max(order, counter)].offset,
                    message: "cannot tell {order} from the counter: put a character that is no digit between them, "
                        + "such as {order}-{seq:4}")
            }
        }
        let hasYear = has(.shortYear) || has(.year)
        switch per {
        case .product: break
        case .order where !has(.order):
            throw Problem(
                offset: parts[counter].offset,
                message: "cannot count per order without {order}: orders would repeat serials; add {order}")
        case .week where !(hasYear && (has(.week) || has(.month) && has(.day))):
            throw Problem(
                offset: parts[counter].offset,
                message: "cannot count per week without the week: weeks would repeat serials; "
                    + "add {yy} or {yyyy}, and {ww}")
        case .day where !(hasYear && has(.day) && (has(.month) || has(.week))):
            throw Problem(
                offset: parts[counter].offset,
                message: "cannot count per day without the date: days would repeat serials; "
                    + "add {yy} or {yyyy}, {mm} and {dd}")
        case .order, .week, .day: break
        }
        if case .literal(let text) = parts[0].part, text.utf8.starts(with: ControlCode.prefix.utf8) {
            throw Problem(offset: 0, message: "cannot begin a serial with TRV: as control codes do; begin it otherwise")
        }
        let shortest = parts.reduce(0) { length, located in
            switch located.part {
            case .literal(let text): length + text.utf8.count
            case .product, .order, .check: length + 1
            case .shortYear, .month, .day, .week: length + 2
            case .year: length + 4
            case .counter(let width): length + width
            }
        }
        if shortest > Serial.maximumLength {
            throw Problem(
                offset: end,
                message: "cannot fit a serial into \(Serial.maximumLength) characters: this pattern needs \(shortest)")
        }
    }

    private func offset(of placeholder: String) -> Int {
        let scalars = Array(description.unicodeScalars)
        let wanted = Array(placeholder.unicodeScalars)
        return scalars.indices.first { scalars[$0...].starts(with: wanted) } ?? 0
    }
}
