/// What a frame's text is, before anything is known about the plant: badges, orders, serials and product codes
/// all are `text` here, and told apart by the rules.
public enum Code: Hashable, Sendable {
    /// A control code.
    case control(ControlCode)
    /// Begins with `TRV:` but is none of the control codes; the whole text.
    case unknownControl(String)
    /// Anything else, without its AIM identifier.
    case text(String)
    /// What a GS1 code or an ISO/IEC 15434 message says of the thing that it is on.
    case item(CodedItem)

    /// Reads a frame.
    ///
    /// - An AIM identifier (ISO/IEC 15424: `]`, a letter, a letter or digit) in front is taken off.
    /// - GS1 element strings are recognised by the identifiers of GS1 symbols (`]C1`, `]e0`, `]d2`, `]Q3`, ...), by a
    ///   group separator (0x1D) in the text, or in the printed form with parentheses.
    /// - A GS1 Digital Link is any `http` or `https` URI with `/01/<GTIN>` in its path.
    /// - An ISO/IEC 15434 message begins with `[)>` and 0x1E.
    /// - A UPC-E that is marked as one (`]E0` and 8 digits) is the GTIN that it is short for.
    ///
    /// What looks like one of these but isn't right (a wrong check digit, a missing length) stays `text`, as does a text
    /// that merely begins with the digits of an application identifier. Data with nothing but a serial is the serial's
    /// `text`, and data with neither a product nor a serial stays as it is.
    public init(frame: String) {
        var text = frame
        let aim = frame.utf8.first == UInt8(ascii: "]") ? AIMIdentifier(frame) : nil
        if aim != nil { text = String(frame.unicodeScalars.dropFirst(3)) }
        if aim?.marksUPC == true, let gtin = GTIN.expanded(upcE: text) { text = gtin }
        let item: CodedItem?
        switch text.utf8.first {
        case UInt8(ascii: "T") where text.utf8.starts(with: ControlCode.prefix.utf8):
            self = ControlCode(text).map(Code.control) ?? .unknownControl(text)
            return
        case UInt8(ascii: "("): item = CodedItem(humanReadable: text)
        case UInt8(ascii: "h"), UInt8(ascii: "H"): item = CodedItem(digitalLink: text)
        case UInt8(ascii: "[") where text.utf8.starts(with: CodedItem.messageHeader): item = CodedItem(message: text)
        case _ where aim?.marksGS1 == true || text.withUTF8({ $0.contains(CodedItem.separator) }):
            item = CodedItem(elementString: text)
        default: item = nil
        }
        switch (item, item?.product, item?.serial) {
        case (let item?, .some, _): self = .item(item)
        case (let item?, nil, .some) where item.count != nil: self = .item(item)
        case (_, nil, let serial?): self = .text(serial)
        default: self = .text(text)
        }
    }
}

/// The three characters that a scanner can be told to send before the data: `]`, the symbology, a modifier.
struct AIMIdentifier {
    var symbology: UInt8
    var modifier: UInt8

    /// nil if the text doesn't begin with one, or consists of nothing else.
    init?(_ text: String) {
        var bytes = text.utf8.makeIterator()
        guard bytes.next() == UInt8(ascii: "]"), let symbology = bytes.next(), let modifier = bytes.next(),
            isLetter(symbology), isLetter(modifier) || isDigit(modifier), bytes.next() != nil
        else { return nil }
        self.symbology = symbology
        self.modifier = modifier
    }

    /// Whether this is a UPC-A, UPC-E or EAN-13; an EAN-8 is `]E4`.
    var marksUPC: Bool { (symbology, modifier) == (UInt8(ascii: "E"), UInt8(ascii: "0")) }

    /// Whether this symbol's FNC1 says that it holds GS1 element strings.
    var marksGS1: Bool {
        switch (symbology, modifier) {
        case (UInt8(ascii: "C"), UInt8(ascii: "1")),  // GS1-128
            (UInt8(ascii: "e"), UInt8(ascii: "0")...UInt8(ascii: "2")),  // GS1 DataBar and composites
            (UInt8(ascii: "d"), UInt8(ascii: "2")), (UInt8(ascii: "d"), UInt8(ascii: "5")),  // GS1 DataMatrix, with ECI
            (UInt8(ascii: "Q"), UInt8(ascii: "3")), (UInt8(ascii: "Q"), UInt8(ascii: "4")),  // GS1 QR Code, with ECI
            (UInt8(ascii: "J"), UInt8(ascii: "1")):  // GS1 DotCode
            true
        default: false
        }
    }
}

@inline(__always)
func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
