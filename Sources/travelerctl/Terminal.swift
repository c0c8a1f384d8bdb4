import Glibc

/// Colours, as the parameters of the terminal's SGR sequence (ECMA-48).
enum Paint: String {
    case bold = "1"
    case faint = "2"
    case red = "31"
    case green = "32"
    case amber = "33"
    case onRed = "1;97;41"
    case onGreen = "1;30;42"
    case onAmber = "1;30;43"
    case onGrey = "1;97;100"
}

/// What is known about the place where the output goes.
struct Screen: Sendable {
    /// Columns; nil for a file or a pipe, where nothing is cut.
    var width: Int?
    /// Lines; nil for a file or a pipe.
    var height: Int?
    /// Whether colours are welcome.
    var isColoured = false
    /// Whether characters beyond ASCII can be drawn.
    var isUnicode = true

    /// A file descriptor's screen, with the environment's wishes.
    init(descriptor: Int32) {
        let isTerminal = isatty(descriptor) == 1
        var size = winsize()
        if isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            (width, height) = (Int(size.ws_col), Int(size.ws_row))
        } else if isTerminal {
            (width, height) = (80, 24)
        }
        if let columns = environment("COLUMNS").flatMap(Int.init), columns > 0 { width = columns }
        isColoured = isTerminal && environment("NO_COLOR") == nil && environment("TERM") != "dumb"
        let locale = environment("LC_ALL") ?? environment("LC_CTYPE") ?? environment("LANG") ?? ""
        isUnicode = !isTerminal || locale.uppercased().contains("UTF-8") || locale.uppercased().contains("UTF8")
    }

    /// A screen of a known size, without colours.
    init(width: Int?, height: Int? = nil) { (self.width, self.height) = (width, height) }

    func paint(_ text: String, _ paint: Paint?) -> String {
        guard isColoured, let paint, !text.isEmpty else { return text }
        return "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m"
    }

    /// The first text where Unicode can be drawn, else the second.
    func glyph(_ unicode: String, _ ascii: String) -> String { isUnicode ? unicode : ascii }
}

/// An environment variable that is set and not empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

/// Standard output and standard error, written at once and whole.
enum Output {
    static func line(_ text: String) { write(Array((text + "\n").utf8)) }

    static func lines(_ lines: [String]) {
        if !lines.isEmpty { line(lines.joined(separator: "\n")) }
    }

    /// A sentence on standard error.
    static func note(_ text: String) { write(Array((text + "\n").utf8), to: 2) }

    static func write(_ bytes: [UInt8], to descriptor: Int32 = 1) {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { end(errno, descriptor) }
            start += count
        }
    }

    /// The reader is gone, or the disk is full: there is nobody to tell what else would come.
    private static func end(_ code: Int32, _ descriptor: Int32) -> Never {
        if code == EPIPE {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        } else if descriptor != 2 {
            note("travelerctl: cannot write the output: \(systemError(code))")
        }
        exit(75)
    }
}
