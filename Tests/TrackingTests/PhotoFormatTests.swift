import Testing
import Tracking

/// Pictures are known by their bytes: whole ones only.
@Suite struct PhotoFormatTests {
    static let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        + [0, 0, 0, 13] + Array("IHDR".utf8) + [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0] + [1, 2, 3, 4]
        + [0, 0, 0, 2] + Array("IDAT".utf8) + [9, 9] + [1, 2, 3, 4] + [0, 0, 0, 0] + Array("IEND".utf8) + [1, 2, 3, 4]
    static let jpeg: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 5, 8, 0, 1, 0xFF, 0xC4, 0, 3, 7]
        + [0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56, 0xFF, 0xD9]
    static let webp: [UInt8] =
        Array("RIFF".utf8) + [18, 0, 0, 0] + Array("WEBP".utf8) + Array("VP8L".utf8) + [5, 0, 0, 0]
        + [0x2F, 1, 2, 3, 4, 0]

    @Test func wholePicturesAreKnown() {
        #expect(PhotoFormat(of: Self.png) == .png)
        #expect(PhotoFormat(of: Self.jpeg) == .jpeg)
        #expect(PhotoFormat(of: Self.webp) == .webp)
        #expect(PhotoFormat(of: Self.jpeg + [0, 0]) == .jpeg, "cameras append their own")
    }

    @Test func cutOffAnywhereTheyAreNone() {
        for picture in [Self.png, Self.jpeg, Self.webp] {
            for count in 0..<picture.count {
                // The padding byte is the only one that a WebP can spare.
                if picture == Self.webp, count == picture.count - 1 { continue }
                #expect(PhotoFormat(of: Array(picture.prefix(count))) == nil, "\(count) of \(picture.count)")
            }
        }
    }

    @Test func otherThingsAreNone() {
        let others: [[UInt8]] = [
            [], Array("GIF89a".utf8), Array("<svg/>".utf8), Array("%PDF-1.7".utf8), [0xFF, 0xD8, 0xFF, 0xD9],
            Array("RIFF\u{4}\0\0\0WAVE".utf8), [UInt8](repeating: 0xFF, count: 64),
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0xFF, 0xFF, 0xFF, 0xFF] + Array("IHDR".utf8),
            Array("#!/bin/sh\n".utf8) + Self.jpeg,
        ]
        for other in others { #expect(PhotoFormat(of: other) == nil) }
    }

    @Test func randomBytesNeverTrap() {
        var random = Random(seed: 7)
        for picture in [Self.png, Self.jpeg, Self.webp] {
            for _ in 0..<4_000 {
                var bytes = picture
                for _ in 0..<Int(random.next() % 4) + 1 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                _ = PhotoFormat(of: bytes)
            }
        }
    }
}
