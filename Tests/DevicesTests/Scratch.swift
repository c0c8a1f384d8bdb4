import Glibc

/// A directory of one test's own, gone with it.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/traveler-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit { remove("") }

    private func remove(_ name: String) {
        var status = stat()
        if lstat(self(name), &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            for child in names(name) { remove(name.isEmpty ? child : "\(name)/\(child)") }
        }
        _ = Glibc.remove(self(name))
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in a directory, sorted, `.` and `..` left out.
    func names(_ directory: String = "") -> [String] {
        guard let handle = opendir(self(directory)) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func read(_ name: String) -> String? {
        let fd = open(self(name), O_RDONLY)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(fd, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    @discardableResult
    func write(_ name: String, _ text: String) -> Bool {
        let fd = open(self(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(fd) }
        return Glibc.write(fd, text, text.utf8.count) == text.utf8.count
    }
}

extension String {
    /// What a C function wrote into a buffer, up to its zero.
    init(buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
