import ControlAPI
import Testing

@Suite struct JSONTests {
    @Test(
        "what is JSON is read, and written compactly with its keys in order",
        arguments: [
            ("null", "null"), (" true ", "true"), ("false", "false"), ("0", "0"), ("-0", "0"), ("-12", "-12"),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9.223372036854776e+18"), ("12.50", "12.5"), ("1e2", "100.0"), ("1E-2", "0.01"),
            ("-0.0", "-0.0"), ("5e-324", "5e-324"), (#""""#, #""""#), (#""a\/b""#, #""a/b""#),
            (#""\b\f\n\r\t\"\\""#, #""\u0008\u000c\n\r\t\"\\""#), (#""\u00e9\u20AC""#, "\"é€\""),
            (#""\uD83D\uDE00""#, "\"😀\""), (#""\u0000""#, #""\u0000""#),
            ("\"\u{7F}\u{9B}\u{202E}\"", #""\u007f\u009b\u202e""#),
            ("[]", "[]"), ("[ ]", "[]"), ("{}", "{}"), ("[1,[2,[]],{}]", "[1,[2,[]],{}]"),
            ("{\"b\":1,\n\t\"a\" : [true]}\r\n", #"{"a":[true],"b":1}"#), (#"{"":0}"#, #"{"":0}"#),
        ])
    func reads(text: String, written: String) throws {
        let value = try JSONValue(json: text)
        #expect(value.json == written)
        #expect(try JSONValue(json: written) == value)
    }

    @Test(
        "what isn't is refused with the place, and what was expected there",
        arguments: [
            ("", "line 1, column 1: expected a value, found the end of the text"),
            ("  ", "line 1, column 3: expected a value, found the end of the text"),
            ("nul", "line 1, column 1: expected a value, found 'n'"),
            ("{} x", "line 1, column 4: expected the end of the text after the value, found 'x'"),
            ("[1 2]", "line 1, column 4: expected ',' or ']', found '2'"),
            ("[1,]", "line 1, column 4: expected a value, found ']'"),
            ("[1", "line 1, column 3: expected ',' or ']', found the end of the text"),
            ("{\"a\":1,\n}", "line 2, column 1: expected a key in double quotes, found '}'"),
            ("{a:1}", "line 1, column 2: expected a key in double quotes or '}', found 'a'"),
            (#"{"a" 1}"#, "line 1, column 6: expected ':' after the key, found '1'"),
            (#"{"a":1 "b":2}"#, "line 1, column 8: expected ',' or '}', found '\"'"),
            (
                "{\n \"é\": 1,\n \"a\": 2, \"é\": 3}",
                "line 3, column 10: the key \"é\" stands twice in this object; name it once"
            ),
            ("01", "line 1, column 1: a number doesn't begin with 0; leave the zero out"),
            ("-01", "line 1, column 2: a number doesn't begin with 0; leave the zero out"),
            ("-", "line 1, column 2: expected a digit, found the end of the text"),
            ("1.", "line 1, column 3: expected a digit after the decimal point, found the end of the text"),
            ("1e+", "line 1, column 4: expected a digit of the exponent, found the end of the text"),
            (".5", "line 1, column 1: expected a value, found '.'"),
            ("+1", "line 1, column 1: expected a value, found '+'"),
            ("1e999", "line 1, column 1: this number is too large"),
            ("NaN", "line 1, column 1: expected a value, found 'N'"),
            ("'a'", "line 1, column 1: expected a value, found '''"),
            ("\"a", "line 1, column 1: this text has no closing double quote"),
            ("\"a\nb\"", "line 1, column 3: expected an escape such as \\n in the text, found the character U+000A"),
            (#""\x""#, "line 1, column 3: expected one of \" \\ / b f n r t u after the backslash"),
            (#""\u12g4""#, "line 1, column 6: expected four hexadecimal digits after \\u, found 'g'"),
            (#""\ud800""#, "line 1, column 2: this is half of a surrogate pair; write both halves"),
            (#""\udc00\ud800""#, "line 1, column 2: this is half of a surrogate pair; write both halves"),
            ("\u{FEFF}1", "line 1, column 1: expected a value, found the character U+FEFF"),
            ("[1, é]", "line 1, column 5: expected a value, found the character U+00E9"),
        ])
    func refuses(text: String, message: String) {
        #expect(throws: JSONError.self) { try JSONValue(json: text) }
        do {
            _ = try JSONValue(json: text)
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func bytesThatAreNoUTF8AreRefusedWhereTheyStand() {
        for (bytes, column) in [
            ([0x22, 0x61, 0xFF, 0x22], 3), ([0x22, 0xC3, 0xA9, 0xC0, 0x80, 0x22], 3), ([0xFF], 1),
        ] {
            do {
                _ = try JSONValue(json: bytes.map { UInt8($0) })
                Issue.record("\(bytes) was read")
            } catch {
                #expect(error.column == column)
            }
        }
    }

    @Test func nestingIsReadToTheLimitAndRefusedBeyond() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try JSONValue(json: nested(JSONValue.depthLimit)).json == nested(JSONValue.depthLimit))
        #expect(throws: JSONError.self) { try JSONValue(json: nested(JSONValue.depthLimit + 1)) }
        #expect(throws: JSONError.self) { try JSONValue(json: String(repeating: "[", count: 1_000_000)) }
        // Depth counts levels, not lists.
        let many = "[" + Array(repeating: "[]", count: 1_000).joined(separator: ",") + "]"
        #expect(try JSONValue(json: many).array?.count == 1_000)
    }

    @Test func largeObjectsInAnyOrderAreReadOnceEach() throws {
        let keys = (0..<20_000).map { "k\($0 &* 7_919 % 20_000)" }
        let text = "{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        let value = try JSONValue(json: text)
        #expect(value.object?.count == 20_000)
        #expect(value["k19999"] == 1)
        #expect(throws: JSONError.self) { try JSONValue(json: text.dropLast() + ",\"k77\":2}") }
    }

    @Test func whateverIsWrittenIsReadBackTheSame() throws {
        var random = Numbers(state: 42)
        for _ in 0..<500 {
            let value = anyValue(depth: 0, &random)
            #expect(try JSONValue(json: value.jsonBytes) == value)
        }
    }

    @Test func valuesAreReachedByTheirKind() throws {
        let value = try JSONValue(
            json: #"{"serial":"A","n":2,"x":2.0,"y":2.5,"ok":true,"list":[1],"none":null,"in":{"a":1}}"#)
        #expect(value["serial"]?.string == "A")
        #expect(value["serial"]?.int == nil)
        #expect(value["n"]?.int == 2)
        #expect(value["n"]?.double == 2)
        #expect(value["x"]?.int == 2)
        #expect(value["y"]?.int == nil)
        #expect(value["ok"]?.bool == true)
        #expect(value["list"]?.array == [1])
        #expect(value["none"] == .null)
        #expect(value["missing"] == nil)
        #expect(value["in"]?["a"]?.int == 1)
        #expect(JSONValue.string("A")["serial"] == nil)
    }

    @Test func objectsKeepTheirKeysInOrder() {
        var object: JSONObject = ["b": 1, "a": 2, "b": 3]
        #expect(object.map(\.key) == ["a", "b"])
        #expect(object["b"] == 3)
        object["c"] = 4
        object["a"] = nil
        object["x"] = nil
        #expect(JSONValue.object(object).json == #"{"b":3,"c":4}"#)
        #expect(JSONValue(omittingNil: ["z": nil, "y": 1, "a": .null]).json == #"{"a":null,"y":1}"#)
        #expect(JSONValue.double(.infinity).json == "null")
    }

    private func anyValue(depth: Int, _ random: inout Numbers) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .int(Int.random(in: .min ... .max, using: &random) >> Int.random(in: 0..<64, using: &random))
        case 3: .double(.random(in: -1e9...1e9, using: &random))
        case 4: .string(anyText(&random))
        case 5: .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in anyValue(depth: depth + 1, &random) })
        default:
            .object(
                JSONObject(
                    omittingNil: (0..<Int.random(in: 0..<8, using: &random)).map { _ in
                        (key: anyText(&random), value: anyValue(depth: depth + 1, &random))
                    }))
        }
    }

    private func anyText(_ random: inout Numbers) -> String {
        let limits: [UInt32] = [0x7F, 0x7F, 0x7F, 0x3FF, 0xFFFF, 0x10FFFF]
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let limit = limits[Int.random(in: 0..<limits.count, using: &random)]
            if let scalar = Unicode.Scalar(UInt32.random(in: 0...limit, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
