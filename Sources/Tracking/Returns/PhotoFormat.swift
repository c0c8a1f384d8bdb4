/// The kinds of picture that are taken, known by their bytes alone: names and media types prove nothing.
public enum PhotoFormat: String, Sendable, Codable, CaseIterable {
    /// JPEG (ISO/IEC 10918-1).
    case jpeg
    /// PNG (ISO/IEC 15948).
    case png
    /// WebP (RFC 9649).
    case webp

    /// The media type.
    public var mediaType: String { "image/" + rawValue }

    /// What whole picture these bytes are; nil for anything else, and for one that was cut off.
    ///
    /// The frame of the file is walked from its first byte to its end mark; the picture itself is not decoded.
    public init?(of bytes: [UInt8]) {
        if Self.isPNG(bytes) {
            self = .png
        } else if Self.isJPEG(bytes) {
            self = .jpeg
        } else if Self.isWebP(bytes) {
            self = .webp
        } else {
            return nil
        }
    }

    private static func number(_ bytes: [UInt8], _ start: Int, isBig: Bool) -> Int {
        let four = bytes[start..<start + 4].map(Int.init)
        return (isBig ? four : four.reversed()).reduce(0) { $0 << 8 | $1 }
    }

    /// Chunks of length, name, data and check sum, from `IHDR` to `IEND`, with picture data among them.
    private static func isPNG(_ bytes: [UInt8]) -> Bool {
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return false }
        var (place, hasData) = (8, false)
        while bytes.count - place >= 12 {
            let length = number(bytes, place, isBig: true)
            guard length <= bytes.count - place - 12 else { return false }
            let name = bytes[place + 4..<place + 8]
            if place == 8, !name.elementsEqual("IHDR".utf8) || length != 13 { return false }
            if name.elementsEqual("IDAT".utf8) { hasData = true }
            if name.elementsEqual("IEND".utf8) { return hasData && length == 0 }
            place += length + 12
        }
        return false
    }

    /// Segments up to the scans, among them a frame header; then coded data up to the end mark.
    private static func isJPEG(_ bytes: [UInt8]) -> Bool {
        guard bytes.starts(with: [0xFF, 0xD8, 0xFF]) else { return false }
        var (place, hasFrame, hasScan) = (2, false, false)
        while place + 1 < bytes.count {
            guard bytes[place] == 0xFF else {
                // Coded data is where no segment is, and only behind the head of a scan.
                guard hasScan else { return false }
                place += 1
                continue
            }
            let mark = bytes[place + 1]
            switch mark {
            case 0xFF: place += 1
            case 0x00, 0x01, 0xD0...0xD7:
                guard hasScan else { return false }
                place += 2
            case 0xD9: return hasFrame && hasScan
            case 0xD8: return false
            default:
                guard place + 3 < bytes.count else { return false }
                let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
                guard length >= 2, place + 2 + length <= bytes.count else { return false }
                if (0xC0...0xCF).contains(mark), ![0xC4, 0xC8, 0xCC].contains(mark) { hasFrame = true }
                if mark == 0xDA { hasScan = hasFrame }
                place += 2 + length
            }
        }
        return false
    }

    /// A RIFF file of the form `WEBP` that is as long as it says, whose chunks fill it, with picture data among them.
    private static func isWebP(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 20, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) else {
            return false
        }
        let end = number(bytes, 4, isBig: false) + 8
        guard end <= bytes.count else { return false }
        var (place, hasData) = (12, false)
        while end - place >= 8 {
            let name = bytes[place..<place + 4]
            let length = number(bytes, place + 4, isBig: false)
            guard length <= end - place - 8 else { return false }
            if ["VP8 ", "VP8L", "ANMF"].contains(where: { name.elementsEqual($0.utf8) }), length > 0 { hasData = true }
            // Chunks of an odd length have a byte of padding.
            place += 8 + length + length % 2
        }
        return hasData && place >= end
    }
}
