/// The inverse of `KeyDecoder`: what a scanner that imitates a keyboard sends for a text.
public enum Keystrokes {
    /// How a scanner sends the group separator 0x1D.
    public enum GroupSeparator: CaseIterable, Hashable, Sendable {
        /// As Alt+0029 on the keypad.
        case altCode
        /// As Ctrl and the key that is `]` in the United States.
        case control
        /// As F8.
        case f8
    }

    /// A character that the keyboard can't type.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// Which character, and what could be typed.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    /// The events of typing a text and Enter.
    ///
    /// Characters that no key gives are typed as Alt and their number on the keypad, control characters included; a
    /// line feed or carriage return is Enter, a tab is Tab. As from the kernel's USB driver, each press and release is
    /// `MSC_SCAN`, `EV_KEY`, `SYN_REPORT`.
    ///
    /// - Parameters:
    ///   - text: characters of the layout or of Latin-1.
    ///   - layout: the layout that the scanner is set to.
    ///   - start: the time of the first press in microseconds.
    ///   - keyInterval: microseconds from a press to the next press; the release is half-way between. A modifier
    ///     around a key takes as long as a key.
    ///   - groupSeparator: how 0x1D is sent.
    /// - Throws: if the layout lacks a character and it is beyond Latin-1.
    public static func events(
        typing text: String, layout: KeyboardLayout = .us, startingAt start: Int64 = 0, keyInterval: Int64 = 2_000,
        groupSeparator: GroupSeparator = .altCode
    ) throws(Problem) -> [InputEvent] {
        var events: [InputEvent] = []
        var time = start
        func move(_ key: UInt16, down: Bool) {
            events.append(InputEvent(time: time, type: EventType.misc, code: EventType.miscScan, value: scanCode(key)))
            events.append(InputEvent(time: time, type: EventType.key, code: key, value: down ? 1 : 0))
            events.append(InputEvent(time: time, type: EventType.syn, code: EventType.synReport, value: 0))
            time += keyInterval / 2
        }
        func press(_ stroke: Stroke) {
            if let modifier = stroke.modifier { move(modifier, down: true) }
            for key in stroke.keys {
                move(key, down: true)
                move(key, down: false)
            }
            if let modifier = stroke.modifier { move(modifier, down: false) }
        }
        for scalar in text.unicodeScalars {
            if scalar == "\u{1D}", groupSeparator != .altCode {
                press(groupSeparator == .f8 ? Stroke(keys: [Key.f8]) : Stroke(modifier: Key.leftControl, keys: [27]))
                continue
            }
            guard let strokes = layout.strokes(for: scalar) else {
                throw Problem(
                    message: "cannot type \"\(scalar)\" on the keyboard \(layout.rawValue): "
                        + "use its own characters or those of Latin-1")
            }
            strokes.forEach(press)
        }
        press(Stroke(keys: [Key.enter]))
        return events
    }

    /// The HID usage (page 7, keyboard) of a key, as `MSC_SCAN` reports it.
    private static func scanCode(_ key: UInt16) -> Int32 {
        let usage = usages.firstIndex(of: key) ?? modifiers.firstIndex(of: key).map { 0xE0 + $0 } ?? 0
        return 0x70000 | Int32(usage)
    }

    /// Key codes by HID usage, as the kernel's `hid-input` maps them; 0 where no scanner has a key.
    private static let usages: [UInt16] = [
        0, 0, 0, 0, 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21,
        44,
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 0, 39, 40, 41, 51, 52, 53, 58,
        59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, 0, 70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 69,
        98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86,
    ]

    /// Key codes of the HID usages from 0xE0 on.
    private static let modifiers: [UInt16] = [29, 42, 56, 125, 97, 54, 100, 126]
}

/// Keys pressed one after another while a modifier is held.
private struct Stroke {
    var modifier: UInt16?
    var keys: [UInt16]
}

extension KeyboardLayout {
    /// nil if neither a key nor Latin-1 has the character.
    fileprivate func strokes(for scalar: Unicode.Scalar) -> [Stroke]? {
        switch scalar {
        case "\n", "\r": return [Stroke(keys: [Key.enter])]
        case "\t": return [Stroke(keys: [Key.tab])]
        default: break
        }
        if let stroke = stroke(for: scalar, dead: false) { return [stroke] }
        if let accent = stroke(for: scalar, dead: true) { return [accent, Stroke(keys: [Key.space])] }
        if let (accent, base) = Self.decomposed(scalar), let first = stroke(for: accent, dead: true),
            let second = stroke(for: base, dead: false)
        {
            return [first, second]
        }
        guard scalar.value < 256 else { return nil }
        let digits = "0\(scalar.value)".utf8.map { Key.keypadDigits[Int($0 - UInt8(ascii: "0"))] }
        return [Stroke(modifier: Key.leftAlt, keys: digits)]
    }

    /// The first key that gives the character, at once or as a dead key.
    private func stroke(for scalar: Unicode.Scalar, dead: Bool) -> Stroke? {
        for code in UInt16(1)..<128 {
            guard let key = characters(of: code), key.dead.contains(scalar) == dead else { continue }
            if key.plain == scalar { return Stroke(keys: [code]) }
            if key.shifted == scalar { return Stroke(modifier: Key.leftShift, keys: [code]) }
            if key.altGr == scalar { return Stroke(modifier: Key.rightAlt, keys: [code]) }
        }
        return nil
    }
}
