import Barcodes
import Testing

@Suite struct CheckCharacterTests {
    @Test func examplesOfTheStandards() {
        #expect(CheckCharacter.luhn.character(for: "7992739871") == "3")
        #expect(CheckCharacter.luhn.isValid("4111111111111111"))
        // The GRid example that ISO/IEC 7064 MOD 37,36 is best known by.
        #expect(CheckCharacter.mod37_36.character(for: "A12425GABC1234002") == "M")
        #expect(CheckCharacter.mod37_36.isValid("A12425GABC1234002M"))
        #expect(GTIN.checkDigit(for: "629104150021") == "3")  // GTIN-13
        #expect(GTIN.checkDigit(for: "0950110153000") == "3")  // GTIN-14
        #expect(GTIN.checkDigit(for: "03600029145") == "2")  // GTIN-12
        #expect(GTIN.checkDigit(for: "4017072") == "5")  // GTIN-8
    }

    @Test func whatIsNotCountedIsPassedOver() {
        #expect(CheckCharacter.luhn.character(for: "PCB-7992-739871") == "3")
        #expect(CheckCharacter.mod37_36.character(for: "a1-2425g-abc1234002") == "M")
        #expect(!CheckCharacter.luhn.isValid("3"))
        #expect(!CheckCharacter.luhn.isValid(""))
    }

    @Test(arguments: ["", "123", "123456789", "12345678901234", "401707X", "٤٠١٧٠٧٢"])
    func noGTINDigits(text: String) {
        #expect(GTIN.checkDigit(for: text) == nil)
        #expect(!GTIN.isValid(text))
        #expect(GTIN.normalized(text) == nil)
    }

    @Test func gtinsAreFilledUpTo14() {
        #expect(GTIN.normalized("40170725") == "00000040170725")
        #expect(GTIN.normalized("036000291452") == "00036000291452")
        #expect(GTIN.normalized("6291041500213") == "06291041500213")
        #expect(GTIN.normalized("09501101530003") == "09501101530003")
        #expect(GTIN.normalized("09501101530004") == nil)
    }

    /// A way to make texts that end in their check character.
    struct Scheme: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let alphabet: [Character]
        let check: @Sendable (String) -> Character?
        let isValid: @Sendable (String) -> Bool
        /// Whether swapping these neighbours may go unnoticed.
        let mayMissSwap: @Sendable (Character, Character) -> Bool
    }

    static let schemes = [
        Scheme(
            testDescription: "Luhn", alphabet: Array("0123456789"),
            check: { CheckCharacter.luhn.character(for: $0) }, isValid: { CheckCharacter.luhn.isValid($0) },
            mayMissSwap: { Set([$0, $1]) == ["0", "9"] }),
        Scheme(
            testDescription: "GTIN", alphabet: Array("0123456789"), check: { GTIN.checkDigit(for: $0) },
            isValid: { GTIN.isValid($0) },
            mayMissSwap: { abs(($0.wholeNumberValue ?? 0) - ($1.wholeNumberValue ?? 0)) == 5 }),
        Scheme(
            testDescription: "MOD 37,36", alphabet: Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            check: { CheckCharacter.mod37_36.character(for: $0) }, isValid: { CheckCharacter.mod37_36.isValid($0) },
            mayMissSwap: { _, _ in true }),
    ]

    @Test(arguments: schemes)
    func everySubstitutionAndSwapIsFound(scheme: Scheme) throws {
        var random = SeededGenerator(seed: 2)
        var (swaps, missed) = (0, 0)
        for _ in 0..<200 {
            let body = String((0..<13).map { _ in scheme.alphabet.randomElement(using: &random) ?? "0" })
            let whole = Array(body + String(try #require(scheme.check(body))))
            try #require(scheme.isValid(String(whole)))
            for index in whole.indices {
                for wrong in scheme.alphabet where wrong != whole[index] {
                    var text = whole
                    text[index] = wrong
                    if scheme.isValid(String(text)) { Issue.record("\(String(text)) passes for \(String(whole))") }
                }
                guard index > 0, whole[index] != whole[index - 1] else { continue }
                var text = whole
                text.swapAt(index, index - 1)
                swaps += 1
                guard scheme.isValid(String(text)) else { continue }
                missed += 1
                #expect(
                    scheme.mayMissSwap(whole[index], whole[index - 1]), "\(String(text)) passes for \(String(whole))")
            }
        }
        // Luhn can miss 2 of the 90 ordered pairs of neighbours, GTIN 10, and MOD 37,36 about 1 in 600.
        #expect(missed * 100 < swaps * (scheme.testDescription == "GTIN" ? 20 : 5))
    }
}
