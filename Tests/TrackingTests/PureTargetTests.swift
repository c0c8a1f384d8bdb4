import FoundationEssentials
import Testing

/// What the architecture promises of the pure targets holds as long as nobody adds an import.
@Suite struct PureTargetTests {
    @Test(arguments: [("Barcodes", []), ("Labels", []), ("Tracking", ["Barcodes"])] as [(String, Set<String>)])
    func pureTargetsImportNothingElse(_ target: String, _ allowed: Set<String>) throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = package.appending(path: "Sources").appending(path: target).path
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
        #expect(!files.isEmpty)
        for file in files {
            let bytes = try #require(FileManager.default.contents(atPath: folder + "/" + file))
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ").drop {
                    ["public", "internal", "package", "private", "@testable"].contains($0)
                }
                guard words.first == "import", let module = words.dropFirst().first else { continue }
                #expect(allowed.contains(String(module)), "\(target)/\(file) imports \(module)")
            }
        }
    }
}
