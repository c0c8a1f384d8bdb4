import Barcodes
import Testing

@Suite struct SerialExpressionTests {
    @Test(
        "the whole serial matches, or it doesn't",
        arguments: [
            (
                "SN[0-9]{6}[A-Z]", ["SN123456A"],
                ["SN12345A", "SN1234567A", "sn123456A", "XSN123456A", "SN123456A-", ""]
            ),
            ("([A-Z0-9]+-?)+X", ["AB12-CD34X", "X-X", "AX"], ["X", "AB12-CD34", "-X", "AB--X"]),
            ("^A|B$", ["A", "B"], ["AB", ""]), ("a|", ["a", ""], ["aa"]), ("(a|b)*", ["", "abba"], ["abc"]),
            ("a{2}", ["aa"], ["a", "aaa"]), ("a{2,}", ["aa", "aaaaaa"], ["a"]),
            ("a{1,3}", ["a", "aaa"], ["", "aaaa"]),
            ("a{,2}", ["", "aa"], ["aaa"]), ("(ab){0}c", ["c"], ["abc"]), ("(){1000}a", ["a"], ["", "aa"]),
            ("a+?b*?", ["a", "aabb"], ["b"]), (#"\d\D\w\W"#, ["1a_-"], ["11_-", "1a__"]),
            (".", ["~", "A"], ["", "AB"]),
            ("[^A-Z-]+", ["a1"], ["aA", "-"]), (#"[\d\-_]+"#, ["1-_"], ["a"]), (#"\.\\\[a]}"#, [#".\[a]}"#], ["a"]),
            ("(?:a|(?<year>[0-9]{2}))-x", ["a-x", "26-x"], ["2-x", "-x"]), ("[A-]", ["A", "-"], ["B"]),
            ("(a*)*", ["", "aaa"], ["b"]), ("((a?){3}){2}", ["", "aaaaaa"], ["aaaaaaa"]), ("a^b", [], ["ab", "a^b"]),
        ])
    func matches(expression: String, good: [String], bad: [String]) throws {
        let compiled = try SerialExpression(expression)
        for text in good { #expect(compiled.matches(text), "\(expression) and \(text)") }
        for text in bad { #expect(!compiled.matches(text), "\(expression) and \(text)") }
    }

    @Test(
        "what is refused, and where",
        arguments: [
            ("", 0, "1 to 200 bytes"), (String(repeating: "a", count: 201), 0, "1 to 200 bytes"), ("ab(c", 2, "no )"),
            ("ab)c", 2, "closes no group"), ("a[bc", 1, "no ]"), ("a[]bc", 1, "of the class"),
            ("a[^]", 1, "of the class"),
            ("a[b[c]]", 3, "class in a class"), ("[a-z&&b]", 4, "calculate"), ("[b-a]", 1, "range"),
            ("a**", 2, "repeats"),
            (#"[\d-z]"#, 1, "range"), ("a|+", 2, "nothing to repeat"), ("a{", 1, "how often"), ("a{x}", 1, "how often"),
            ("a{,}", 1, "how often"), ("a{3,2}", 1, "how often"), ("a{1001}", 1, "how often"), ("^*", 0, "repeat ^"),
            ("a$+", 1, "repeat $"), (#"(a)\1"#, 3, "back-reference"), (#"\k<a>"#, 0, "back-reference"),
            ("(?=a)", 0, "look-ahead"), ("(?!a)", 0, "look-ahead"), ("(?<=a)", 0, "look-behind"),
            ("(?<!a)", 0, "look-behind"),
            ("(?>a)", 0, "atomic"), ("a*+", 2, "possessive"), ("(?i)a", 0, "either case"),
            (#"\bA"#, 0, #"cannot use \b"#),
            (#"\pL"#, 0, #"cannot use \p"#), ("aé", 1, "printable ASCII"), (#"a\"#, 1, "must follow"),
            ("((((a{1000}){1000}){1000}){1000})", 0, "multiply"),
        ] as [(String, Int, String)])
    func refused(expression: String, offset: Int, why: String) {
        let problem = #expect(throws: SerialExpression.Problem.self) { try SerialExpression(expression) }
        #expect(problem?.offset == offset, "\(expression): \(problem?.message ?? "")")
        #expect(problem?.message.contains(why) == true, "\(expression): \(problem?.message ?? "")")
    }

    /// The steps are at most those of the program for each character, whatever the expression: no time is measured.
    @Test(
        "nested repetitions take steps linear in the serial",
        arguments: [
            "([A-Z0-9]+-?)+X", "(A+)+X", "(A*)*X", "(A|A)*X", "(A|AA)+X", "((A?){10}){10}X", "(.*)(.*)(.*)(.*)X",
            "(A?){30}A{30}",
        ])
    func nestedRepetition(expression: String) throws {
        let compiled = try SerialExpression(expression)
        var before = 0
        for length in [8, 16, 32, 64, 512, 4_096] {
            var steps = 0
            _ = compiled.matches(String(repeating: "A", count: length), steps: &steps)
            #expect(steps <= compiled.size * (length + 1))
            if length > 64 { #expect(steps <= before * 9, "\(steps) after \(before)") }
            before = steps
        }
        var steps = 0
        #expect(!compiled.matches("ABCDEFGHIJ1234567890KLMN", steps: &steps))
        #expect(steps <= compiled.size * 25)
    }

    @Test func agreesWithTheLanguage() throws {
        var random = SeededGenerator(seed: 30)
        func part(_ depth: Int) -> String {
            switch Int.random(in: 0...(depth > 0 ? 9 : 4), using: &random) {
            case 0, 1: return "a"
            case 2: return "b"
            case 3: return "[ab]"
            case 4: return Bool.random(using: &random) ? "." : "[^a]"
            case 5, 6: return "(\(choice(depth - 1)))"
            case 7: return "(?:\(choice(depth - 1)))" + (["*", "+", "?"].randomElement(using: &random) ?? "*")
            case 8: return "a" + (["*", "+?", "??", "{2}", "{1,3}", "{2,}"].randomElement(using: &random) ?? "*")
            default:
                return "(\(choice(depth - 1)))" + (["{2}", "{0,2}", "{1,}"].randomElement(using: &random) ?? "{2}")
            }
        }
        func sequence(_ depth: Int) -> String {
            (0..<Int.random(in: 1...3, using: &random)).map { _ in part(depth) }.joined()
        }
        func choice(_ depth: Int) -> String {
            (0..<Int.random(in: 1...2, using: &random)).map { _ in sequence(depth) }.joined(separator: "|")
        }
        var (matched, refused) = (0, 0)
        for _ in 0..<1_000 {
            let expression = choice(2)
            guard expression.utf8.count <= SerialExpression.maximumLength else { continue }
            let (ours, swifts) = (try SerialExpression(expression), try Regex(expression))
            for _ in 0..<12 {
                let text = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                    ["a", "a", "b", "c"].randomElement(using: &random) ?? "a"
                }.joined()
                let expected = (try swifts.wholeMatch(in: text)) != nil
                if ours.matches(text) != expected { Issue.record("\(expression) and \(text): \(expected) in Swift") }
                if expected { matched += 1 } else { refused += 1 }
            }
        }
        #expect(matched > 500 && refused > 2_000, "\(matched) matched, \(refused) not")
    }
}
