import Testing

@testable import Barcodes

/// Counts whose separator the scanner left out.
@Suite("Counts without a separator")
struct CountSeparatorTests {
    @Test("end where an element follows, if there is one such place")
    func mended() {
        #expect(Code(frame: "]C10104012345123456304010L7") == Code(frame: "]C101040123451234563040\u{1D}10L7"))
    }

    /// Each count could end at eight places, and each of these begins another count: read by trying all of them, a frame of
    /// this length would not come to its end.
    @Test("a whole frame of counts is read at once", .timeLimit(.minutes(1)))
    func frameOfCounts() {
        let text = "]C1" + String(repeating: "30", count: 254) + "x"
        #expect(Code(frame: text) == .text(String(text.dropFirst(3))))
        #expect(
            Name.misreading(of: "00" + String(repeating: "0", count: 18) + String(repeating: "30", count: 21) + "x")
                == nil)
    }
}
