import Labels
import Testing

@Suite("Slips")
struct SlipTests {
    private func print(_ slip: Slip) -> Printer { Printer(String(decoding: slip.zpl, as: UTF8.self)) }

    @Test("an answer to a scan")
    func answer() {
        let slip = Slip(
            heading: "REFUSED", lines: ["A1 must pass testing first. Take it to TEST-1"], time: "14:05")
        let zpl = """
            ^XA^FO8,8^A0N,64,64^FH_^FDREFUSED^FS\
            ^FO8,80^A0N,26,26^FH_^FDA1 must pass testing^FS\
            ^FO8,110^A0N,26,26^FH_^FDfirst. Take it to TEST-1^FS\
            ^FO8,218^A0N,20,20^FH_^FD14:05^FS^XZ

            """
        #expect(String(decoding: slip.zpl, as: UTF8.self) == zpl)
    }

    @Test(
        "whatever the text is, it prints as text",
        arguments: [
            "^XZ", "~JR", "_5E", "^FS^FDx", "a_b", "\\&", ">;x", "Prüfgerät Ω", "{{serial}}", ",,,", "\u{1}\u{7f}",
        ])
    func hostile(text: String) {
        let plain = print(Slip(heading: "A", lines: ["A"], barcode: "A", time: "A"))
        let printed = print(Slip(heading: text, lines: [text], barcode: "A", time: text))
        #expect(printed.commands.filter { $0 != "^CI" } == plain.commands)
        #expect(printed.fields.map(\.text) == [text, "A", text, text])
    }

    @Test("a code reads as it is, whatever it is")
    func barcode() {
        var random = SplitMix(seed: 8)
        for _ in 0..<500 {
            let code = String(
                decoding: (0..<Int.random(in: 1...31, using: &random)).map { _ in
                    UInt8.random(in: 0x21...0x7E, using: &random)
                }, as: UTF8.self)
            let field = print(Slip(heading: "PAIR", barcode: code)).fields[1]
            #expect(field.symbol.hasPrefix("^BCN,72,Y,N,N,A"))
            #expect(field.text == code)
        }
    }

    @Test(
        "bars as wide as a slip has room for, quiet zones included",
        arguments: [(7, 3), (8, 2), (13, 2), (14, 1), (31, 1)])
    func bars(length: Int, dots: Int) {
        let zpl = String(decoding: Slip(heading: "", barcode: String(repeating: "A", count: length)).zpl, as: UTF8.self)
        #expect(zpl.contains("^BY\(dots)^BC"))
    }

    @Test(
        "a code that no slip has room for, or no symbol holds, is text",
        arguments: [
            (String(repeating: "7", count: 60), String(repeating: "7", count: 60)), ("ä", "ä"), ("a\tb", "a b"),
        ])
    func noBars(code: String, text: String) {
        let printed = print(Slip(heading: "PAIR", barcode: code))
        #expect(!printed.commands.contains("^BC"))
        #expect(printed.fields.dropFirst().map(\.text).joined() == text)
    }

    @Test("everything stays on the label")
    func room() throws {
        var random = SplitMix(seed: 4)
        let words = ["a", "of", "unit", "PCB-100-2610-0001", "station", String(repeating: "M", count: 64), "\n", "  "]
        for _ in 0..<500 {
            let text = { (count: Int) in
                (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
            }
            let slip = Slip(
                heading: text(Int.random(in: 0...3, using: &random)),
                lines: (0..<Int.random(in: 0...5, using: &random)).map { _ in text(6) },
                barcode: Bool.random(using: &random) ? "TRV:PAIR:7F3A" : nil, time: "14:05")
            for part in String(decoding: slip.zpl, as: UTF8.self).split(separator: "^FO").dropFirst() {
                let y = try #require(Int(part.split(separator: ",")[1].prefix { $0.isNumber }))
                guard let font = part.split(separator: "^A0N,").dropFirst().first,
                    let height = Int(font.prefix { $0.isNumber })
                else { continue }
                let characters = Printer("^FO" + String(part)).fields.first?.text.count ?? 0
                #expect(y + height <= 240)
                #expect(characters * height * 3 <= 384 * 5)
            }
        }
    }

    @Test("what is left out is shown by its dots")
    func cut() {
        let long = (1...100).map(String.init).joined(separator: " ")
        let last = print(Slip(heading: "ACCEPTED", lines: [long])).fields.last?.text
        #expect(last?.hasSuffix("...") == true)
        #expect(print(Slip(heading: "ACCEPTED", lines: ["short"])).fields.last?.text == "short")
    }
}
