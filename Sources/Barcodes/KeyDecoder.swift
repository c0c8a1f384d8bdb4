/// Turns the key events of a scanner that imitates a keyboard into frames.
///
/// A frame ends at Enter, keypad Enter or Tab, or at a carriage return, line feed or tab typed in another way. It ends
/// as broken at a pause of 100 ms, at a notice of dropped events, when the device goes away, at character 513, or at a
/// key that gives no character. What follows of a frame that is already broken is swallowed up to its end or a
/// pause, so that its second half is never taken for a whole one.
///
/// Characters are what the layout gives with Shift, Caps Lock and AltGr (or Ctrl+Alt). Control characters come as
/// Ctrl+letter, as Ctrl with the keys that are `[`, `]`, `\`, `6` and `-` in the United States (0x1B, 0x1D, 0x1C, 0x1E,
/// 0x1F), as Alt with the character's decimal number on the keypad, or by their own key (Esc, Backspace); F8 is the
/// group separator 0x1D. Repeats of a held key are not characters. A dead key combines with the character after it;
/// with a space it gives its accent, and where nothing combines both characters are kept, as a desktop does.
///
/// Time comes in with the events. Where no event comes, call `elapsed(to:)` at `deadline`.
public struct KeyDecoder: Sendable {
    /// How long a frame may stand still, in microseconds.
    public static let pause: Int64 = 100_000
    /// What begins this soon after a pause in a frame, read or swallowed, is taken for its rest, and is broken as well.
    /// Microseconds: longer than a radio link stalls, shorter than an operator takes to scan again.
    public static let rest: Int64 = 1_000_000

    /// The layout that the scanner is set to.
    public let layout: KeyboardLayout
    /// Whether events were lost, so that keys may be held, or Caps Lock be on, that this doesn't know of: ask the
    /// device now, and `resync`.
    public private(set) var needsResync = false

    private var text = ""
    private var length = 0
    private var startedAt: Int64?
    private var lastKey: Int64 = 0
    /// Until when the rest of a broken frame may come.
    private var restUntil = Int64.min
    private var isSwallowing = false
    private var isDropping = false
    private var held: Modifiers = []
    private var capsLock = false
    private var deadKey: Unicode.Scalar?
    private var altCode: Int?

    /// Beyond Latin-1.
    private static let noCode = 256

    private struct Modifiers: OptionSet {
        let rawValue: UInt8
        static let shift = Modifiers(rawValue: 0b11)
        static let control = Modifiers(rawValue: 0b1100)
        static let leftAlt = Modifiers(rawValue: 0b1_0000)
        static let rightAlt = Modifiers(rawValue: 0b10_0000)
        static let alt: Modifiers = [.leftAlt, .rightAlt]
        static let meta = Modifiers(rawValue: 0b1100_0000)

        /// nil if the key is no modifier.
        init?(key: UInt16) {
            switch key {
            case Key.leftShift: rawValue = 1
            case Key.rightShift: rawValue = 1 << 1
            case Key.leftControl: rawValue = 1 << 2
            case Key.rightControl: rawValue = 1 << 3
            case Key.leftAlt: rawValue = 1 << 4
            case Key.rightAlt: rawValue = 1 << 5
            case Key.leftMeta: rawValue = 1 << 6
            case Key.rightMeta: rawValue = 1 << 7
            default: return nil
            }
        }

        init(rawValue: UInt8) { self.rawValue = rawValue }
    }

    /// A decoder for a device on which no key is held and Caps Lock is off.
    public init(layout: KeyboardLayout = .us) { self.layout = layout }

    /// When a frame that is being read, or swallowed, ends if no key comes; nil between frames.
    public var deadline: Int64? { startedAt != nil || isSwallowing ? lastKey + Self.pause : nil }

    /// Takes the next event; gives the frame that it ended, if any.
    public mutating func feed(_ event: InputEvent) -> Frame? {
        let paused = elapsed(to: event.time)
        let ended: Frame? =
            switch (event.type, event.code) {
            case (EventType.key, _): isDropping ? nil : key(event)
            case (EventType.syn, EventType.synDropped): dropped(at: event.time)
            case (EventType.syn, EventType.synReport): reported()
            case (EventType.led, EventType.ledCapsLock): led(on: event.value != 0)
            default: nil
            }
        // After a pause the event stands at a frame's start, where it can end at most an empty one.
        return paused ?? ended
    }

    /// Takes the time, in microseconds; gives the frame that stood still for too long, if any.
    public mutating func elapsed(to now: Int64) -> Frame? {
        guard let deadline, now >= deadline else { return nil }
        restUntil = lastKey + Self.rest
        return finish(.broken(.pause), at: lastKey)
    }

    /// Takes the loss of the device; gives what was being read, if anything. The next event may come from the device
    /// plugged in again.
    public mutating func disconnected() -> Frame? {
        let frame = finish(.broken(.unplugged), at: lastKey)
        self = KeyDecoder(layout: layout)
        return frame
    }

    /// Takes the state of the keys as it was asked from a device that was opened just now.
    /// - Parameter time: the moment, by the device's clock: what begins less than a pause after it, or less than
    ///   `rest` if keys were down, may be the rest of a frame whose start nobody read, and is broken. Nil for a
    ///   recording, which nobody opens too late.
    public mutating func opened(pressed: some Collection<UInt16>, capsLock: Bool, at time: Int64?) {
        take(pressed, capsLock)
        if let time { restUntil = time + (pressed.isEmpty ? Self.pause : Self.rest) }
    }

    /// Takes the state of the keys as it was asked from the device after events were lost.
    ///
    /// Asking makes the kernel drop the key events that are still queued, any of which may have begun a frame; so what is
    /// being read is broken, too, and nothing counts up to the next end or pause.
    /// - Parameter time: the moment, by the device's clock. A pause is counted from it: what was dropped may have been
    ///   typed up to then.
    public mutating func resync(pressed: some Sequence<UInt16>, capsLock: Bool, at time: Int64) -> Frame? {
        take(pressed, capsLock)
        guard needsResync else { return nil }
        needsResync = false
        let frame = finish(.broken(.dropped), at: lastKey)
        lastKey = max(lastKey, time)
        isSwallowing = true
        // The rest of a number on the keypad is another number: 029 would become the 9 of a tab.
        altCode = held.contains(.leftAlt) ? Self.noCode : nil
        return frame
    }

    private mutating func take(_ pressed: some Sequence<UInt16>, _ capsLock: Bool) {
        held = pressed.reduce(into: []) { if let modifier = Modifiers(key: $1) { $0.formUnion(modifier) } }
        self.capsLock = capsLock
    }

    private mutating func dropped(at time: Int64) -> Frame? {
        isDropping = true
        needsResync = true
        held = []
        return broken(.dropped, at: time)
    }

    private mutating func reported() -> Frame? {
        isDropping = false
        return nil
    }

    private mutating func led(on: Bool) -> Frame? {
        if !isDropping { capsLock = on }
        return nil
    }

    private mutating func key(_ event: InputEvent) -> Frame? {
        // Codes from 128 on are media keys and buttons; 2 is a repeat.
        guard event.code < 128, event.value == 0 || event.value == 1 else { return nil }
        lastKey = event.time
        if let modifier = Modifiers(key: event.code) {
            if event.value == 1 {
                held.formUnion(modifier)
            } else {
                held.subtract(modifier)
                if held.isDisjoint(with: .alt), let code = altCode {
                    altCode = nil
                    guard let byte = UInt8(exactly: code) else { return broken(.unknownKey, at: event.time) }
                    return type(Unicode.Scalar(byte), at: event.time)
                }
            }
            return nil
        }
        guard event.value == 1 else { return nil }
        switch event.code {
        case Key.enter, Key.keypadEnter, Key.tab: return end(at: event.time)
        case Key.capsLock:
            capsLock.toggle()
            return nil
        case Key.numLock, Key.scrollLock: return nil
        default: break
        }
        if !isSwallowing, startedAt == nil { startedAt = event.time }
        if held.contains(.leftAlt), held.isDisjoint(with: .control),
            let digit = Key.keypadDigits.firstIndex(of: event.code)
        {
            altCode = min((altCode ?? 0) * 10 + digit, Self.noCode)
            return nil
        }
        guard let scalar = character(of: event.code) else { return broken(.unknownKey, at: event.time) }
        if layout.characters(of: event.code)?.dead.contains(scalar) == true, deadKey == nil {
            deadKey = scalar
            return nil
        }
        return type(scalar, at: event.time)
    }

    private func character(of code: UInt16) -> Unicode.Scalar? {
        let hasControl = !held.isDisjoint(with: .control)
        let hasAlt = !held.isDisjoint(with: .alt)
        let hasAltGr = layout.hasAltGr && (held.contains(.rightAlt) || hasControl && hasAlt)
        if !held.isDisjoint(with: .meta) || hasAlt && !hasAltGr { return nil }
        let key = layout.characters(of: code)
        if hasAltGr { return key?.altGr }
        if hasControl {
            switch code {
            case 26: return "\u{1B}"
            case 27: return "\u{1D}"
            case 43: return "\u{1C}"
            case 7: return "\u{1E}"
            case 12: return "\u{1F}"
            default:
                guard let letter = key?.plain, ("a"..."z").contains(letter) else { return nil }
                return Unicode.Scalar(UInt8(letter.value) & 0x1F)
            }
        }
        switch code {
        case Key.f8: return "\u{1D}"
        case Key.escape: return "\u{1B}"
        case Key.backspace: return "\u{8}"
        default:
            guard let key else { return nil }
            return !held.isDisjoint(with: .shift) != (capsLock && key.isLocked) ? key.shifted : key.plain
        }
    }

    private mutating func type(_ scalar: Unicode.Scalar, at time: Int64) -> Frame? {
        if scalar == "\r" || scalar == "\n" || scalar == "\t" { return end(at: time) }
        guard let accent = deadKey else { return append(scalar, at: time) }
        deadKey = nil
        if let composed = KeyboardLayout.composed(accent, scalar) { return append(composed, at: time) }
        return append(accent, at: time) ?? append(scalar, at: time)
    }

    private mutating func append(_ scalar: Unicode.Scalar, at time: Int64) -> Frame? {
        if isSwallowing { return nil }
        if length == Frame.maximumLength { return broken(.tooLong, at: time) }
        text.unicodeScalars.append(scalar)
        length += 1
        return nil
    }

    private mutating func end(at time: Int64) -> Frame? {
        if let accent = deadKey, let frame = append(accent, at: time) {
            clear()
            return frame
        }
        if text.isEmpty { clear() }
        let isRest = startedAt.map { $0 < restUntil } ?? false
        restUntil = .min
        return finish(isRest ? .broken(.pause) : .complete, at: time)
    }

    /// Ends the frame and swallows what follows of it. Dropped events may have been a frame's start, so there is a
    /// frame even where nothing had been read.
    private mutating func broken(_ cause: Frame.Broken, at time: Int64) -> Frame? {
        lastKey = time
        if isSwallowing { return nil }
        startedAt = startedAt ?? time
        let frame = finish(.broken(cause), at: time)
        isSwallowing = true
        return frame
    }

    private mutating func finish(_ outcome: Frame.Outcome, at time: Int64) -> Frame? {
        defer { clear() }
        guard let startedAt else { return nil }
        return Frame(text: text, outcome: outcome, startedAt: startedAt, endedAt: time)
    }

    private mutating func clear() {
        text = ""
        length = 0
        startedAt = nil
        isSwallowing = false
        deadKey = nil
        altCode = nil
    }
}
