/// The one rule for whatever is found by a scan of exactly its text: serials, order numbers, badges, product codes.
///
/// A scan of exactly a text finds exactly the thing that has that text as its name. So a name is read as itself, which is
/// the rule here, and is nothing else's name, which is for those to say who know what there is.
public enum Name {
    /// How a scan of this text would be read otherwise than as a name, in words that follow "it would be read"; nil for a
    /// text that is read as itself.
    public static func misreading(of text: String) -> String? {
        if text.utf8.starts(with: ControlCode.prefix.utf8) { return "as a control code, as it begins with TRV:" }
        // Nothing need follow it: with a scanner that sends one, it does.
        if AIMIdentifier(text + "-") != nil {
            return "without its first three characters: \(text.prefix(3)) is an AIM identifier"
        }
        if text.utf8.starts(with: CodedItem.messageHeader) {
            return "as a message of ISO/IEC 15434"
        }
        let isGS1 =
            switch text.utf8.first {
            case UInt8(ascii: "("): CodedItem(humanReadable: text) != nil
            case UInt8(ascii: "h"), UInt8(ascii: "H"): CodedItem(digitalLink: text) != nil
            // Without a marker the digits of an identifier begin many serials; those of a whole GTIN begin none.
            case UInt8(ascii: "0"): CodedItem(elementString: text)?.product != nil
            default: false
            }
        if isGS1 || text.utf8.contains(CodedItem.separator) { return "as a GS1 code" }
        return nil
    }
}
