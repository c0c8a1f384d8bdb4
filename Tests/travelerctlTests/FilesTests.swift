import ControlAPI
import Glibc
import Testing

@testable import travelerctl

@Suite(.serialized) final class FilesTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/travelerctl-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        for name in ["new", "link", "target"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    @Test func aNewFileIsPrivateAndStaysOnceFinished() throws {
        do {
            var file = try NewFile("\(folder)/new")
            try file.write(Array("ledger".utf8))
            try file.finish()
        }
        #expect(try readFile("\(folder)/new") == Array("ledger".utf8))
        var status = stat()
        #expect(stat("\(folder)/new", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func anUnfinishedFileIsRemoved() throws {
        do {
            var file = try NewFile("\(folder)/new")
            try file.write([1, 2, 3])
        }
        #expect(access("\(folder)/new", F_OK) != 0)
    }

    @Test func neitherFilesNorLinksAreEverOverwritten() throws {
        let target = "\(folder)/target"
        do {
            var file = try NewFile(target)
            try file.write([1])
            try file.finish()
        }
        #expect(symlink(target, "\(folder)/link") == 0)
        for name in ["target", "link"] {
            #expect { _ = try NewFile("\(self.folder)/\(name)") } throws: { error in
                (error as? Failure)?.exit == .usage && (error as? Failure)?.message.contains("exists already") == true
            }
        }
        unlink(target)
        // A link that leads nowhere leads nowhere still.
        #expect(throws: Failure.self) { _ = try NewFile("\(self.folder)/link") }
        #expect(access(target, F_OK) != 0)
    }

    @Test func aFileThatIsNotThereIsNotFound() {
        #expect { try readFile("\(self.folder)/none") } throws: { ($0 as? Failure)?.exit == .notFound }
    }
}
