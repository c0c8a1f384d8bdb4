/// The keyboard that a scanner is set to imitate: which characters its key codes stand for.
///
/// The characters are those of the Windows layouts that scanners are made for, and so is what Caps Lock acts on.
public enum KeyboardLayout: String, CaseIterable, Hashable, Sendable {
    /// United States, QWERTY. Caps Lock acts on letters.
    case us
    /// United Kingdom, QWERTY. Caps Lock acts on letters.
    case uk
    /// Germany, QWERTZ. Caps Lock is a Shift Lock for letters, digits and most signs.
    case de
    /// France, AZERTY; its digits need Shift. Caps Lock is a Shift Lock for letters, digits and most signs.
    case fr
}

/// What one key gives.
struct KeyCharacters {
    var plain: Unicode.Scalar?
    var shifted: Unicode.Scalar?
    var altGr: Unicode.Scalar?
    /// The characters of this key that wait for the next one, to combine with it.
    var dead: [Unicode.Scalar] = []
    /// Whether Caps Lock acts on it.
    var isLocked = false
    /// Whether Shift makes a capital of it.
    fileprivate var isLetter: Bool {
        guard let plain, let shifted else { return false }
        return plain != shifted && plain.properties.uppercaseMapping == String(shifted)
    }
}

extension KeyboardLayout {
    /// What the key gives, or nil if it is no character key.
    func characters(of code: UInt16) -> KeyCharacters? {
        code < 128 ? tables[self]?[Int(code)] : nil
    }

    /// Whether the right Alt key chooses the third character of a key.
    var hasAltGr: Bool { self != .us }

    /// What a dead key makes of the character after it, or nil if the two don't combine.
    static func composed(_ accent: Unicode.Scalar, _ base: Unicode.Scalar) -> Unicode.Scalar? {
        if base == " " { return accent }
        guard let pairs = compositions[accent], let index = pairs.firstIndex(of: base) else { return nil }
        return index % 2 == 0 ? pairs[index + 1] : nil
    }

    /// The accent and the letter that together make a character.
    static func decomposed(_ character: Unicode.Scalar) -> (accent: Unicode.Scalar, base: Unicode.Scalar)? {
        for (accent, pairs) in compositions {
            if let index = pairs.firstIndex(of: character), index % 2 == 1 { return (accent, pairs[index - 1]) }
        }
        return nil
    }
}

/// Base and composed letter in turn, by the accent of the dead key.
private let compositions: [Unicode.Scalar: [Unicode.Scalar]] = [
    "^": Array("aâeêiîoôuûAÂEÊIÎOÔUÛ".unicodeScalars),
    "´": Array("aáeéiíoóuúyýAÁEÉIÍOÓUÚYÝ".unicodeScalars),
    "`": Array("aàeèiìoòuùAÀEÈIÌOÒUÙ".unicodeScalars),
    "¨": Array("aäeëiïoöuüyÿAÄEËIÏOÖUÜ".unicodeScalars),
    "~": Array("aãnñoõAÃNÑOÕ".unicodeScalars),
]

private let tables: [KeyboardLayout: [KeyCharacters?]] = [
    .us: table(
        plain: ["`1234567890-=", "qwertyuiop[]", #"asdfghjkl;'\"#, #"\zxcvbnm,./"#],
        shifted: ["~!@#$%^&*()_+", "QWERTYUIOP{}", #"ASDFGHJKL:"|"#, "|ZXCVBNM<>?"],
        altGr: [],
        dead: [], decimal: "."),
    .uk: table(
        plain: ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", #"\zxcvbnm,./"#],
        shifted: ["¬!\"£$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"],
        altGr: ["¦   €        ", "  é   úíó   ", "á           ", "           "],
        dead: [], decimal: "."),
    .de: table(
        plain: ["^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"],
        shifted: ["°!\"§$%&/()=?`", "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"],
        altGr: [#"  ²³   {[]}\ "#, "@ €        ~", "            ", "|      µ   "],
        dead: [(41, "^"), (13, "´"), (13, "`")], decimal: ",", shiftLockExcept: [41, 13, 53, 86]),
    .fr: table(
        plain: ["²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "<wxcvbn,;:!"],
        shifted: [" 1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", ">WXCVBN?./§"],
        altGr: [#"  ~#{[|`\^@]}"#, "  €        ¤", "            ", "           "],
        dead: [(26, "^"), (26, "¨"), (3, "~"), (8, "`")], decimal: ".", shiftLockExcept: [41, 86]),
]

/// The key codes of the four rows, from left to right; the third ends with the key beside (or above) Enter, the
/// fourth begins with the one right of the left Shift.
private let rows: [[UInt16]] = [[41] + Array(2...13), Array(16...27), Array(30...40) + [43], [86] + Array(44...53)]

/// A key code's characters, by the rows of the keyboard; a space stands for none.
///
/// - Parameter shiftLockExcept: the keys on which a Caps Lock that is a Shift Lock does not act; nil where it acts on
///   letters alone.
private func table(
    plain: [String], shifted: [String], altGr: [String], dead: [(code: Int, accent: Unicode.Scalar)],
    decimal: Unicode.Scalar, shiftLockExcept: Set<Int>? = nil
) -> [KeyCharacters?] {
    var table = [KeyCharacters?](repeating: nil, count: 128)
    func place(_ level: [String], _ field: WritableKeyPath<KeyCharacters, Unicode.Scalar?>) {
        for (codes, row) in zip(rows, level) {
            for (code, scalar) in zip(codes, row.unicodeScalars) where scalar != " " {
                var key = table[Int(code)] ?? KeyCharacters()
                key[keyPath: field] = scalar
                table[Int(code)] = key
            }
        }
    }
    place(plain, \.plain)
    place(shifted, \.shifted)
    place(altGr, \.altGr)
    for (code, accent) in dead { table[code]?.dead.append(accent) }
    for code in table.indices {
        guard var key = table[code] else { continue }
        key.isLocked = shiftLockExcept.map { !$0.contains(code) } ?? key.isLetter
        table[code] = key
    }
    // Whatever is held: the space bar, and the keypad with Num Lock on.
    func same(_ code: UInt16, _ scalar: Unicode.Scalar) {
        table[Int(code)] = KeyCharacters(plain: scalar, shifted: scalar, altGr: scalar)
    }
    same(Key.space, " ")
    for (digit, code) in Key.keypadDigits.enumerated() { same(code, Unicode.Scalar(UInt8(ascii: "0") + UInt8(digit))) }
    for (code, scalar) in [(55, "*"), (74, "-"), (78, "+"), (83, decimal), (98, "/"), (117, "="), (121, ",")]
        as [(UInt16, Unicode.Scalar)]
    { same(code, scalar) }
    return table
}
