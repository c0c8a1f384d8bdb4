import Barcodes
import Testing

@Suite struct ControlCodeTests {
    static let every: [(String, ControlCode)] = [
        ("TRV:WO:1001", .workOrder("1001")), ("TRV:NEW", .new), ("TRV:PASS", .pass),
        ("TRV:FAIL:SOLDER", .fail("SOLDER")),
        ("TRV:REWORK:assembly", .rework("assembly")), ("TRV:SCRAP:DEAD", .scrap("DEAD")), ("TRV:HOLD", .hold),
        ("TRV:RELEASE", .release), ("TRV:ORDER:SO-77", .order("SO-77")), ("TRV:CLOSE", .close),
        ("TRV:REASON:wrong_item", .reason("wrong_item")), ("TRV:COND:good", .condition("good")),
        ("TRV:QTY:25", .quantity(25)), ("TRV:UNDO", .undo), ("TRV:REPRINT", .reprint), ("TRV:CANCEL", .cancel),
        ("TRV:BADGE:1007", .badge("1007")), ("TRV:PAIR:K7Q2", .pair("K7Q2")),
        // An argument is everything after its colon.
        ("TRV:WO:A:1/B 2", .workOrder("A:1/B 2")), ("TRV:FAIL:Lötbrücke", .fail("Lötbrücke")),
    ]

    @Test(arguments: every)
    func roundTrip(text: String, code: ControlCode) {
        #expect(ControlCode(text) == code)
        #expect(code.text == text)
        #expect(Code(frame: text) == .control(code))
    }

    @Test(arguments: [
        "TRV:", "TRV:WO", "TRV:WO:", "TRV:PASS:", "TRV:PASS:X", "TRV:pass", "TRV:NEWS", "TRV:NE", "TRV: NEW",
        "TRV:QTY:",
        "TRV:QTY:0", "TRV:QTY:-1", "TRV:QTY:+1", "TRV:QTY:1.5", "TRV:QTY:1000000000", "TRV:QTY:٣", "TRV:WO:1\u{7}",
        "TRV::PASS", "TRV:\u{301}PASS",
    ])
    func malformed(text: String) {
        #expect(ControlCode(text) == nil)
        #expect(Code(frame: text) == .unknownControl(text))
    }

    @Test(arguments: ["trv:PASS", "TRV", " TRV:PASS", "XTRV:PASS", ""])
    func notControlCodes(text: String) {
        #expect(ControlCode(text) == nil)
        #expect(Code(frame: text) == .text(text))
    }
}

@Suite struct CodeTests {
    @Test(
        "plain texts stay as they are",
        arguments: [
            "PCB-100-2610-0001", "1007", "4006381333931", "", "]", "]C", "]C1", "]1C5", "](x", "[]", "(", "()",
            "(hello)", "(1)2", "(01)",
            // Digits that could be application identifiers, without any marker.
            "0109501101530003", "0109501101530003211234", "00340123450000000018", "01-2610-0001",
            // Not links, or links without a GTIN that is right.
            "http", "https://", "https://example.com", "https://example.com/01/09501101530004",
            "https://example.com/01/",
            "hello", "https://example.com/21/A-17", "ftp://id.gs1.org/01/09501101530003",
            "https://id.gs1.org/01/09501101530003/21/%zz",
            "https://id.gs1.org/01/09501101530003/21/A%20B",
            // Separators, but no element string.
            "ABC\u{1D}123", "[)>", "[)>\u{1E}", "[)>\u{1E}\u{4}", "[)>\u{1E}06", "[)>\u{1E}0612S17",
            "[)>\u{1E}06\u{1D}s17", "[)>\u{1E}06\u{1D}1234P7", "[)>\u{1E}06\u{1D}S", "[)>\u{1E}06\u{1D}SA 7",
            "[)>\u{1E}06\u{1D}SA\u{1D}SB", "[)>\u{1E}12\u{1D}S17\u{1E}\u{4}", "[)>\u{1E}05\u{1D}0109501101530004",
            "[)>0617",
            // Nothing that tracking could find something by.
            "(10)LOT7", "(30)40", "(02)09501101530003", "(00)340123450000000018",
        ])
    func plain(text: String) {
        #expect(Code(frame: text) == .text(text))
    }

    @Test(
        "AIM identifiers are taken off",
        arguments: [
            ("]C0PCB-1", Code.text("PCB-1")), ("]Q1PCB-1", .text("PCB-1")), ("]A0PCB-1", .text("PCB-1")),
            ("]d1PCB-1", .text("PCB-1")),
            ("]E04006381333931", .text("4006381333931")), ("]z0]C0", .text("]C0")), ("]C0TRV:PASS", .control(.pass)),
            ("]Q1TRV:NOPE", .unknownControl("TRV:NOPE")), ("]LAtext", .text("text")),
        ])
    func aim(frame: String, code: Code) {
        #expect(Code(frame: frame) == code)
    }

    static let gtin = "09501101530003"

    @Test(
        "GS1 element strings",
        arguments: [
            ("]C10109501101530003", nil),
            ("]d2010950110153000321A-17", "A-17"),
            ("]Q3010950110153000321A-17", "A-17"),
            ("]e0010950110153000321A-17", "A-17"),
            ("]J1010950110153000321A-17", "A-17"),
            ("\u{1D}010950110153000321A-17", "A-17"),
            ("]C1\u{1D}010950110153000321A-17\u{1D}", "A-17"),
            // The serial ends at the separator; a lot (10), dates (11, 17), additional id (240), weight (310n) around
            // it.
            ("]d2010950110153000321A-17\u{1D}10LOT7", "A-17"),
            ("010950110153000321A-17\u{1D}10LOT7", "A-17"),
            ("]d210LOT7\u{1D}010950110153000321A-17", "A-17"),
            ("]d21126030117280301010950110153000321A-17", "A-17"),
            ("]d2240XY\u{1D}310300012521A-17\u{1D}0109501101530003", "A-17"),
            ("]d2412950110153000401095011015300032021\u{1D}21A-17", "A-17"),
            ("]d20109501101530003\u{1D}21A-17", "A-17"),
            // 21 inside another element is not a serial.
            ("]d2010950110153000310LOT21A", nil),
            ("(01)09501101530003(21)A-17", "A-17"),
            ("(21)A-17(01)09501101530003", "A-17"),
            ("(01)09501101530003(17)280301(21)A(1)B(10)LOT", "A(1)B"),
            ("(01)09501101530003(3103)000125(240)X(21)A-17", "A-17"),
            ("]C0(01)09501101530003", nil),
        ])
    func elements(frame: String, serial: String?) {
        #expect(Code(frame: frame).item?.product == .gtin(Self.gtin))
        #expect(Code(frame: frame).item?.serial == serial)
    }

    @Test(
        "element strings that aren't right are plain text",
        arguments: [
            ("]C10109501101530004", "0109501101530004"),  // check digit
            ("]C1010950110153000", "010950110153000"),  // too short
            ("]C1010950110153000A", "010950110153000A"),
            ("]C1PCB-100", "PCB-100"),
            ("]d2010950110153000321", "010950110153000321"),  // no serial after its identifier
            ("]d2010950110153000321A 7", "010950110153000321A 7"),
            ("]d201095011015300031726", "01095011015300031726"),
            ("]d2010950110153000301095060001343520", "010950110153000301095060001343520"),
            ("(01)09501101530004", "(01)09501101530004"),
            ("(01)9501101530003", "(01)9501101530003"),
            ("(01)09501101530003(17)2803", "(01)09501101530003(17)2803"),
            ("(01)09501101530003(21)", "(01)09501101530003(21)"),
        ])
    func malformedElements(frame: String, text: String) {
        #expect(Code(frame: frame) == .text(text))
    }

    @Test func serialWithoutGTIN() {
        #expect(Code(frame: "]C121A-17") == .text("A-17"))
        #expect(Code(frame: "(21)A-17") == .text("A-17"))
    }

    @Test(
        "Digital Links",
        arguments: [
            ("https://id.gs1.org/01/09501101530003", nil),
            ("https://id.gs1.org/01/09501101530003/21/A-17", "A-17"),
            ("HTTPS://ID.GS1.ORG/01/09501101530003/21/A-17", "A-17"),
            ("http://example.com:8080/shop/pcb/01/09501101530003/10/LOT/21/A-17?17=280301#top", "A-17"),
            ("https://example.com/01/shop/01/9501101530003/22/2A/21/A-17/", "A-17"),
            ("https://example.com/gtin/09501101530003/ser/A-17", "A-17"),
            ("https://id.gs1.org/01/09501101530003/21/A%2F17%2d%28x%29", "A/17-(x)"),
            ("https://id.gs1.org/01/09501101530003?21=A-17", nil),
            ("]Q1https://id.gs1.org/01/09501101530003/21/A-17", "A-17"),
        ])
    func digitalLinks(frame: String, serial: String?) {
        #expect(Code(frame: frame).item?.product == .gtin(Self.gtin))
        #expect(Code(frame: frame).item?.serial == serial)
    }

    @Test func gtin8InDigitalLinkIsFilledUp() {
        #expect(Code(frame: "https://id.gs1.org/01/40170725") == .item(CodedItem(product: .gtin("00000040170725"))))
    }

    @Test func anyTextIsReadWithoutHarm() {
        var random = SeededGenerator(seed: 1)
        let pieces = [
            "]C1", "]d2", "01", "21", "09501101530003", "\u{1D}", "(", ")", "(01)", "(21)", "https://", "/", "%", "A",
            "ß", "TRV:", "WO:", "[)>\u{1E}", "06\u{1D}", "S", "1P", "Q7", "30", "?", "=", "]E0",
        ]
        for _ in 0..<20_000 {
            let frame = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            switch Code(frame: frame) {
            case .item(let item):
                if case .gtin(let gtin)? = item.product { #expect(GTIN.isValid(gtin) && gtin.count == 14) }
                #expect(item.serial.map(Serial.isValid) != false)
            case .control(let code): #expect(frame.hasSuffix(code.text))
            case .unknownControl(let text): #expect(frame.hasSuffix(text))
            case .text(let text):
                #expect(frame.contains(text) || frame.contains("%") || frame.hasPrefix("]E0"))
            }
            // What can be a name is read as itself.
            if Name.misreading(of: frame) == nil { #expect(Code(frame: frame) == .text(frame)) }
        }
    }
}

extension Code {
    fileprivate var item: CodedItem? { if case .item(let item) = self { item } else { nil } }
}

@Suite struct CodedItemTests {
    private static let gtin = CodedItem.Product.gtin("09501101530003")

    @Test(
        "lots and counts of GS1 codes",
        arguments: [
            // Without the separator after the count there is one reading, or there are several, which is none.
            ("]d20109501101530003304010L7", CodedItem(product: gtin, lot: "L7", count: "40")),
            ("]d201095011015300033040217L", CodedItem(product: gtin, serial: "7L", count: "40")),
            ("]d2010950110153000330401099A", CodedItem(product: gtin, count: "401099A")),
            ("]d201095011015300033040\u{1D}10L7", CodedItem(product: gtin, lot: "L7", count: "40")),
            ("(01)09501101530003(30)40(10)L7", CodedItem(product: gtin, lot: "L7", count: "40")),
            ("(01)09501101530003(37)0", CodedItem(product: gtin, count: "0")),
            ("(01)09501101530003(3103)000125", CodedItem(product: gtin)),
            ("(01)09501101530003(21)A(30)2", CodedItem(product: gtin, serial: "A", count: "2")),
            ("(21)A(30)2", CodedItem(serial: "A", count: "2")),
            // A case and what it holds.
            ("(00)340123450000000018(02)09501101530003(37)12", CodedItem(product: gtin, count: "12")),
            ("https://id.gs1.org/01/09501101530003/10/L7?30=40", CodedItem(product: gtin, lot: "L7", count: "40")),
            ("https://id.gs1.org/01/09501101530003?17=280301&37=4%30#x", CodedItem(product: gtin, count: "40")),
        ])
    func counts(frame: String, item: CodedItem) {
        #expect(Code(frame: frame) == .item(item))
    }

    @Test(
        "data that says two things is none",
        arguments: [
            "(01)09501101530003(30)4(37)5", "(01)09501101530003(10)A(10)B", "(01)09501101530003(02)09501101530003(37)2",
            "https://id.gs1.org/01/09501101530003?30=4&37=5",
        ])
    func twoThings(frame: String) {
        #expect(Code(frame: frame) == .text(frame))
    }

    @Test(arguments: [("1", 1), ("00000040", 40), ("999999999", 999_999_999)])
    func pieces(count: String, pieces: Int) {
        #expect(CodedItem(count: count).pieces == pieces)
    }

    @Test(arguments: ["0", "1000000000", "2.5", "-1", "+1", "100PCE", "٣", "99999999999999999999"])
    func noPieces(count: String) {
        #expect(CodedItem(count: count).pieces == nil)
    }

    @Test(
        "messages of ISO/IEC 15434",
        arguments: [
            ("06\u{1D}1PPCB-100\u{1D}SA-17\u{1E}\u{4}", CodedItem(product: .code("PCB-100"), serial: "A-17")),
            ("06\u{1D}SA-17\u{1D}1PPCB-100", CodedItem(product: .code("PCB-100"), serial: "A-17")),  // without its end
            (
                "06\u{1D}1PCABLE\u{1D}1TL7\u{1D}Q40\u{1D}4LDE\u{1E}\u{4}",
                CodedItem(product: .code("CABLE"), lot: "L7", count: "40")
            ),
            ("06\u{1D}1PCABLE\u{1D}7Q100PCE\u{1E}\u{4}", CodedItem(product: .code("CABLE"), count: "100PCE")),
            ("06\u{1D}SA\u{1D}Q5\u{1E}\u{4}", CodedItem(serial: "A", count: "5")),
            ("05\u{1D}010950110153000321A-17\u{1E}\u{4}", CodedItem(product: gtin, serial: "A-17")),
            ("05\u{1D}0109501101530003\u{1E}06\u{1D}Q2\u{1E}\u{4}", CodedItem(product: gtin, count: "2")),
        ])
    func messages(data: String, item: CodedItem) {
        #expect(Code(frame: "[)>\u{1E}" + data) == .item(item))
        #expect(Code(frame: "]d1[)>\u{1E}" + data) == .item(item))
    }

    @Test func aMessageWithASerialAlone() {
        #expect(Code(frame: "[)>\u{1E}06\u{1D}PTHEIRS\u{1D}SA-17\u{1E}\u{4}") == .text("A-17"))
    }
}

@Suite struct UPCETests {
    /// Of the GS1 General Specifications' rule: the last digit says where the zeros were.
    @Test(arguments: [
        ("01234505", "012000003455"), ("01234514", "012100003454"), ("01234523", "012200003453"),
        ("04252614", "042100005264"), ("01234531", "012300000451"), ("01234543", "012340000053"),
        ("01234558", "012345000058"), ("01234565", "012345000065"), ("01234590", "012345000096"),
    ])
    func expansion(short: String, gtin: String) throws {
        // The check digit is that of the GTIN, whatever it is.
        let check = try #require(GTIN.checkDigit(for: String(gtin.prefix(11))))
        let (short, gtin) = (short.prefix(7) + String(check), gtin.prefix(11) + String(check))
        #expect(GTIN.expanded(upcE: String(short)) == String(gtin))
        #expect(GTIN.forms("00" + gtin).contains(String(short)))
        #expect(Code(frame: "]E0" + short) == .text(String(gtin)))
        #expect(Code(frame: "]E4" + short) == .text(String(short)))
        #expect(GTIN.readings(String(short)).contains("00" + gtin))
    }

    @Test(arguments: [
        "", "0123450", "012345678", "12345670", "0123450A", "04252615", "01204532", "01230542", "01234058",
    ])
    func none(text: String) {
        #expect(GTIN.expanded(upcE: text) == nil)
    }

    @Test func everyGTINHasOneShortFormAtMost() {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<20_000 {
            let digits = "0" + (0..<6).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
            for check in 0...9 {
                let short = digits + String(check)
                guard let gtin = GTIN.expanded(upcE: short).flatMap(GTIN.normalized) else { continue }
                #expect(GTIN.forms(gtin).filter { GTIN.expanded(upcE: $0).flatMap(GTIN.normalized) == gtin } == [short])
            }
        }
    }

    @Test(arguments: [
        ("04006381333931", ["04006381333931", "4006381333931"]), ("14006381333938", ["14006381333938"]),
        ("00000040170725", ["00000040170725", "0000040170725", "000040170725", "40170725"]),
        ("00036000291452", ["00036000291452", "0036000291452", "036000291452"]),
    ])
    func forms(gtin: String, forms: [String]) {
        #expect(GTIN.forms(gtin) == forms)
        #expect(forms.allSatisfy { GTIN.normalized($0) == gtin })
    }
}

@Suite struct NameTests {
    @Test(arguments: [
        "A-17", "1007", "4006381333931", "trv:x", "]", "](x", "]1C5", "(x)", "(hello)", "21A-17",
        "https://example.com/x",
        "00340123450000000018", "0109501101530004", "[)>", "PCB-100-2610-0001",
    ])
    func readAsItself(name: String) {
        #expect(Name.misreading(of: name) == nil)
        #expect(Code(frame: name) == .text(name))
    }

    @Test(arguments: [
        ("TRV:PASS", "control code"), ("TRV:", "control code"), ("]C0A-17", "]C0 is an AIM identifier"), ("]C0", "]C0"),
        ("]LA", "AIM"), ("(01)09501101530003(21)A-18", "GS1"), ("(21)A-17", "GS1"), ("(10)LOT7", "GS1"),
        ("https://id.gs1.org/01/09501101530003/21/A-19", "GS1"), ("010950110153000321A-17", "GS1"),
        ("0109501101530003", "GS1"), ("A\u{1D}B", "GS1"), ("[)>\u{1E}06\u{1D}SA", "15434"),
    ])
    func misread(name: String, why: String) {
        #expect(Name.misreading(of: name)?.contains(why) == true)
    }

    @Test func patternsOfWhichEverySerialIsMisread() throws {
        func misreading(_ pattern: String) throws -> String? {
            try SerialPattern(pattern, per: .product).misreading(product: "09501101530003")
        }
        #expect(try misreading("{product}-{seq:4}") == nil)
        #expect(try misreading("01{seq:14}") == nil)  // one in ten
        #expect(try misreading("(21){seq:4}") != nil)
        #expect(try misreading("(01){product}(21){seq:4}") != nil)
        #expect(try misreading("01{product}21{seq:4}") != nil)
        #expect(try misreading("]d2{seq:4}") != nil)
    }
}

@Suite struct SerialTests {
    @Test(arguments: ["A", "PCB-100-2610-0001", "^XZ", "~", "!", "trv:x", "TRV", String(repeating: "9", count: 64)])
    func good(serial: String) throws {
        #expect(Serial.isValid(serial))
        try Serial.check(serial)
    }

    @Test(arguments: [
        ("", "empty"), ("PCB 1", "character 4 is a space"), ("PCB\t1", "character 4 is a control character (U+0009)"),
        ("ÄB", "character 1 is \"Ä\" (U+00C4)"), ("A\u{7F}", "character 2 is a control character (U+007F)"),
        ("😀", "character 1 is \"😀\" (U+1F600)"), (String(repeating: "9", count: 65), "65 characters"),
        ("TRV:PASS", "control codes begin with TRV:"),
    ])
    func bad(serial: String, why: String) {
        #expect(!Serial.isValid(serial))
        let problem = #expect(throws: Serial.Problem.self) { try Serial.check(serial) }
        #expect(problem?.message.contains(why) == true)
        #expect(problem?.message.hasPrefix("cannot use") == true)
    }
}

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
