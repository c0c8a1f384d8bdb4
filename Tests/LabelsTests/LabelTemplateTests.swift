import Labels
import Testing

private let unitSmall = """
    ^XA^CI28
    ^FO40,30^BXN,6,200^FD{{serial}}^FS
    ^FO180,40^A0N,40^FD{{serial}}^FS
    ^FO180,90^A0N,28^FD{{product.name}}^FS
    ^XZ
    """

@Suite("Filling a label")
struct FillingTests {
    @Test("an ordinary label")
    func ordinary() throws {
        let template = try LabelTemplate(unitSmall)
        let label = try template.filled { ["serial": "PCB-100-2610-0001", "product.name": "Controller board"][$0] }
        #expect(
            label == """
                ^XA^CI28
                ^FO40,30^BXN,6,200,,,,|^FH_^FDPCB-100-2610-0001^FS
                ^FO180,40^A0N,40^FH_^FDPCB-100-2610-0001^FS
                ^FO180,90^A0N,28^FH_^FDController board^FS
                ^XZ
                """)
        #expect(template.usedFields == ["serial", "product.name"])
    }

    @Test(
        "whatever a serial or a name is, it prints as text",
        arguments: [
            "^XZ", "~JR", "_5E", ">;", ">8", "^FS^FDx", "~~", "a_b", "__", "\"quoted\"", "back\\slash", "\\&", "_", ">",
            "|", "||",
            "{{order}}", "Prüfgerät Ω", "tab\tand\nline", ",,,", "COPY", "<b>", "QA,",
        ])
    func hostile(value: String) throws {
        let label = try LabelTemplate(unitSmall).filled { _ in value }
        let printer = Printer(label)
        #expect(printer.fields.map(\.text) == [value, value, value])
        #expect(printer.commands == Printer(try LabelTemplate(unitSmall).filled { _ in "A" }).commands)
        #expect(label.utf8.allSatisfy { $0 == 0x0A || (0x20...0x7E).contains($0) })
    }

    @Test(
        "any printable data reads back from every kind of symbol",
        arguments: [
            "^A0N,30^FD", "^A0N,30^FB300,2^FD", "^BXN,6,200^FD", "^BXN,6,200,,,,_^FD", "^BXN,6,200,,,,~^FD",
            "^BCN,80^FD",
            "^BCN,80,Y,N,N,N^FD>:", "^BCN,80,Y,N,N,A^FD", "^BCN,80^FD>;1234>6", "^BQN,2,5^FDQA,", "^B7N,4^FD",
            "^BON,5^FD",
            "^FH\\^A0N,30^FD", "^FH^BCN,80^FD", "^FV",
        ])
    func property(field: String) throws {
        var random = SplitMix(seed: 11)
        // A `~` is no parameter that can be written; such a template is refused below.
        guard !field.contains(",~") else {
            #expect(throws: LabelTemplate.Problem.self) { try LabelTemplate("^XA\(field){{serial}}^FS^XZ") }
            return
        }
        let template = try LabelTemplate("^XA^FO9,9\(field){{serial}}^FS^XZ")
        let before = Printer("^XA^FO9,9\(field)^FS^XZ").fields[0].text
        for _ in 0..<500 {
            let length = Int.random(in: 1...24, using: &random)
            let serial = String(
                decoding: (0..<length).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }, as: UTF8.self)
            let label = try template.filled { _ in serial }
            let printer = Printer(label)
            #expect(printer.fields.map(\.text) == [before + serial])
            let added = field.contains("^FH") ? 0 : 1
            #expect(printer.commands.count == Printer("^XA^FO9,9\(field)^FS^XZ").commands.count + added)
        }
    }

    @Test("what the template says itself keeps its meaning")
    func ownText() throws {
        let gs1 = try LabelTemplate("^XA^FO9,9^BXN,6,200,,,,_^FD_10104012345678901|21{{serial}}_x^FS^FO1,1^FD_41^FS^XZ")
        let label = try gs1.filled { _ in "A_1" }
        #expect(label.contains("^FH_^FD_5F10104012345678901|21A_5F_5F1_5Fx^FS"))
        #expect(label.contains("^FO1,1^FD_41^FS"))
        let own = try LabelTemplate("^XA^FO9,9^FH\\^FDM\\81ller {{serial}} \\5E^FS^XZ").filled { _ in "\\_^" }
        #expect(own == "^XA^FO9,9^FH\\^FDM\\81ller \\5C_\\5E \\5E^FS^XZ")
    }

    @Test("in a text block < is doubled in its own way")
    func textBlock() throws {
        let label = try LabelTemplate("^XA^A0N,30^TBN,300,60^FD{{order}}^FS^XZ").filled { _ in "a<b>" }
        #expect(label == "^XA^A0N,30^TBN,300,60^FH_^FDa<<>b>^FS^XZ")
    }

    @Test("attributes and several fields in one line; what is not there is left empty")
    func severalFields() throws {
        let template = try LabelTemplate(
            "^XA^FO9,9^FD{{product.code}} {{ product.attributes.color }}/{{iteration}} {{order}}^FS^XZ")
        let label = try template.filled {
            ["product.code": "PCB-100", "product.attributes.color": "red", "iteration": "2"][$0]
        }
        #expect(Printer(label).fields.map(\.text) == ["PCB-100 red/2 "])
    }

    @Test("a reprint says that it is a copy, where the template wants it or in the corner")
    func copies() throws {
        let own = try LabelTemplate("^XA^FO9,9^FD{{serial}}^FS^FO9,50^FD{{copy}}^FS^XZ")
        #expect(Printer(try own.filled { _ in "A1" }).fields.map(\.text) == ["A1", ""])
        #expect(Printer(try own.filled(copy: 2) { _ in "A1" }).fields.map(\.text) == ["A1", "COPY 2"])
        for plain in ["^XA^FD{{serial}}^FS^XZ", "^XA^FD{{serial}}^XZ", "^XA^XZ^XA^FD{{serial}}^FS^XZ\n"] {
            let label = try LabelTemplate(plain).filled(copy: 1) { _ in "A1" }
            #expect(Printer(label).fields.map(\.text) == ["A1", "COPY 1"])
            #expect(label.hasSuffix("^FDCOPY 1^FS^XZ") || label.hasSuffix("^FDCOPY 1^FS^XZ\n"))
        }
    }

    @Test("a label that may exist twice says so, beside its copy")
    func mayBeDouble() throws {
        let own = try LabelTemplate("^XA^FO9,9^FD{{serial}}^FS^FO9,50^FD{{copy}}^FS^XZ")
        let plain = try LabelTemplate("^XA^FO9,9^FD{{serial}}^FS^XZ")
        for (copy, mark) in [(0, "MAY EXIST TWICE"), (3, "COPY 3 MAY EXIST TWICE")] {
            for template in [own, plain] {
                let label = try template.filled(copy: copy, mayBeDouble: true) { _ in "A1" }
                #expect(Printer(label).fields.map(\.text) == ["A1", mark])
            }
        }
    }

    @Test(
        "a symbol is never printed that reads as something else",
        arguments: [
            ("^B3N,N,80^FD", "abc"), ("^B3N,N,80^FD", "A+$B"), ("^BEN,80^FD", "12A"),
            ("^BCN,80,Y,N,N,D^FD(21)", "A(1)"),
            ("^BCN,80^FD", "Ü"), ("^BCN,80^FD>;", "AB"), ("^BCN,80^FD>;", "123"), ("^BCN,80,Y,N,N,U^FD", "A"),
        ])
    func unprintable(field: String, value: String) throws {
        let template = try LabelTemplate("^XA\(field){{serial}}^FS^XZ")
        let problem = try #require(throws: LabelTemplate.Unprintable.self) { try template.filled { _ in value } }
        #expect(problem.field == "serial")
        #expect(problem.description.hasPrefix("cannot print serial \"\(value)\": ^B"))
    }
}

@Suite("Texts that are no template")
struct ProblemTests {
    @Test(
        "the place and the remedy are named",
        arguments: [
            (
                "^XA\n^FO1,1^FD{{serail}}^FS^XZ", 2, 10,
                "there is no field {{serail}}; did you mean {{serial}}? The fields are"
            ),
            ("^XA^FD{{colour}}^FS^XZ", 1, 7, "there is no field {{colour}}. The fields are"),
            ("^XA^FO{{serial}},1^FDx^FS^XZ", 1, 7, "a field can stand in field data only"),
            ("^XA^FX {{serial}}^FS^XZ", 1, 8, "a field can stand in field data only"),
            ("{{serial}}^XA^XZ", 1, 1, "a field can stand in field data only"),
            ("^XA^CC!^FD{{serial}}^FS^XZ", 1, 4, "^CC changes the command characters"),
            ("~CT!^XA^FD{{serial}}^FS^XZ", 1, 1, "~CT changes the command characters"),
            ("^XA^cd;^FD{{serial}}^FS^XZ", 1, 4, "^CD changes the command characters"),
            ("^XA^FDä{{serial^FS^XZ", 1, 8, "{{ is never closed"),
            ("^XA^FN1^FD{{serial}}^FS^XZ", 1, 8, "a field cannot stand in a stored format's ^FN"),
            ("^XA^BDN^FD{{serial}}^FS^XZ", 1, 11, "a field cannot stand in ^BD; text, ^BC"),
            ("^XA^BXN,6^FD{{serial}}^FS^XZ", 1, 13, "a Data Matrix with fields needs quality 200"),
            ("^XA^BQN,2,5^FD{{serial}}^FS^XZ", 1, 15, "QR data must begin with its level and automatic input"),
            ("^XA^BQN,2,5^FDHM,B0010{{serial}}^FS^XZ", 1, 23, "QR data must begin with its level and automatic input"),
            ("^XA^BCN,80^FD>{{serial}}^FS^XZ", 1, 15, "the > before this field would take its first character"),
            ("^XA^FH^FDa_5{{serial}}^FS^XZ", 1, 13, "the _ before this field would take its first character"),
            ("^XA^FDa~b{{serial}}^FS^XZ", 1, 8, "~ begins a command, and this is none; in data write ^FH^FD..._7E"),
            ("^FD{{serial}}^FS", 1, 1, "a label begins with ^XA and ends with ^XZ"),
            ("", 1, 1, "a label begins with ^XA and ends with ^XZ"),
            ("^XZ^", 1, 4, "^ begins a command, and this is none"),
        ])
    func problem(zpl: String, line: Int, column: Int, message: String) throws {
        let problem = try #require(throws: LabelTemplate.Problem.self) { try LabelTemplate(zpl) }
        #expect(problem.line == line)
        #expect(problem.column == column)
        #expect(problem.message.hasPrefix(message), "\(problem)")
        #expect(problem.description == "line \(line), column \(column): \(problem.message)")
    }

    @Test("any text at all is either a template or a problem")
    func noise() {
        var random = SplitMix(seed: 5)
        let parts = [
            "^XA", "^XZ", "^FD", "{{", "}}", "serial", "^", "~", "^FH", "^BX", "^BC", ",", ">", "_", "^FS", "ä",
        ]
        for _ in 0..<5_000 {
            let text = (0..<12).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            if let template = try? LabelTemplate(text) { _ = try? template.filled(copy: 1) { _ in "^XZ" } }
        }
    }
}

/// A small generator with a seed, so that a failure can be repeated (SplitMix64, Steele et al. 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
