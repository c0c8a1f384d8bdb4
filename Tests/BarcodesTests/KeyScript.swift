import Barcodes
import Testing

/// A short way to write what a keyboard does, one movement a millisecond: `A` presses and releases the key A, `LSHIFT+`
/// presses and `LSHIFT-` releases it, `A*` is an automatic repeat; `~150` waits 150 ms, `^150` too, and then tells the
/// decoder the time; `DROPPED`, `REPORT`, `CAPSLED=1` and `CAPSLED=0` are the kernel's; `UNPLUG` takes the device away.
///
/// Keys are named as on a US keyboard, whatever the layout.
func frames(_ script: String, layout: KeyboardLayout = .us) throws -> [Frame] {
    var decoder = KeyDecoder(layout: layout)
    var frames: [Frame?] = []
    var time: Int64 = 1_000_000
    func feed(_ type: UInt16, _ code: UInt16, _ value: Int32) {
        frames.append(decoder.feed(InputEvent(time: time, type: type, code: code, value: value)))
    }
    func move(_ key: Substring, _ value: Int32) throws {
        let code = try #require(keyCodes[String(key)], "no key \(key)")
        feed(1, code, value)
        feed(0, 0, 0)
        time += 1_000
    }
    for word in script.split(separator: " ") {
        switch (word, word.first, word.last) {
        case ("DROPPED", _, _): feed(0, 3, 0)
        case ("REPORT", _, _): feed(0, 0, 0)
        case ("CAPSLED=1", _, _): feed(17, 1, 1)
        case ("CAPSLED=0", _, _): feed(17, 1, 0)
        case ("UNPLUG", _, _): frames.append(decoder.disconnected())
        case (_, "~", _), (_, "^", _):
            time += try #require(Int64(word.dropFirst())) * 1_000
            if word.first == "^" { frames.append(decoder.elapsed(to: time)) }
        case (_, _, "+"): try move(word.dropLast(), 1)
        case (_, _, "-"): try move(word.dropLast(), 0)
        case (_, _, "*"): try move(word.dropLast(), 2)
        default:
            try move(word, 1)
            try move(word, 0)
        }
    }
    return frames.compactMap { $0 }
}

/// `KEY_*` of `input-event-codes.h`.
private let keyCodes: [String: UInt16] = {
    var codes: [String: UInt16] = [
        "ESC": 1, "MINUS": 12, "EQUAL": 13, "BACKSPACE": 14, "TAB": 15, "LBRACE": 26, "RBRACE": 27, "ENTER": 28,
        "LCTRL": 29,
        "SEMICOLON": 39, "APOSTROPHE": 40, "GRAVE": 41, "LSHIFT": 42, "BACKSLASH": 43, "COMMA": 51, "DOT": 52,
        "SLASH": 53,
        "RSHIFT": 54, "LALT": 56, "SPACE": 57, "CAPSLOCK": 58, "F1": 59, "F8": 66, "NUMLOCK": 69, "102ND": 86,
        "KPENTER": 96,
        "RCTRL": 97, "KPSLASH": 98, "RALT": 100, "HOME": 102, "LMETA": 125, "WAKEUP": 143, "BTN_LEFT": 272,
        "KPDOT": 83, "KP7": 71, "KP8": 72, "KP9": 73, "KP4": 75, "KP5": 76, "KP6": 77, "KP1": 79, "KP2": 80, "KP3": 81,
        "KP0": 82,
    ]
    for (first, row) in [(2, "1234567890"), (16, "QWERTYUIOP"), (30, "ASDFGHJKL"), (44, "ZXCVBNM")]
        as [(UInt16, String)]
    {
        for (index, key) in row.enumerated() { codes[String(key)] = first + UInt16(index) }
    }
    return codes
}()
