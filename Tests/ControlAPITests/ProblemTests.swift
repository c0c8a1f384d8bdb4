import ControlAPI
import Testing

@Suite struct ProblemTests {
    @Test(
        "every code has its HTTP status and its exit status",
        arguments: [
            (ErrorCode.invalidArgument, "invalid_argument", 400, 64), (.permissionDenied, "permission_denied", 403, 77),
            (.notFound, "not_found", 404, 66), (.conflict, "conflict", 409, 1), (.refused, "refused", 409, 1),
            (.tooLarge, "too_large", 413, 64), (.unavailable, "unavailable", 503, 75), (.internal, "internal", 500, 75),
        ] as [(ErrorCode, String, Int, Int32)])
    func codes(code: ErrorCode, word: String, status: Int, exit: Int32) {
        #expect(code.rawValue == word)
        #expect(code.status == status)
        #expect(code.exitStatus.rawValue == exit)
    }

    @Test func exitStatusesAreThoseOfTheManual() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 64, 66, 69, 75, 77])
    }

    @Test func aProblemComesBackFromTheWire() throws {
        let place = Problem.Place(line: 3, column: 7, path: "products[0].code", message: "a code is expected")
        let problem = Problem(
            .invalidArgument, "cannot apply the site file", reason: "x", errors: [place, .init(message: "y")])
        let body = try JSONValue(json: problem.json.json)
        #expect(Problem(status: 400, body: body) == problem)
        #expect(body["title"] == "Invalid argument")
        #expect(body["type"] == "about:blank")
    }

    @Test func anAnswerThatIsNoProblemDocumentStillHasACode() {
        #expect(Problem(status: 404, body: nil).code == .notFound)
        #expect(Problem(status: 405, body: ["allowed": ["GET"]]).allowed == ["GET"])
        #expect(Problem(status: 502, body: "Bad gateway").code == .internal)
        #expect(Problem(status: 403, body: ["code": "no_such_code", "detail": "no"]).code == .permissionDenied)
    }

    @Test func theSocketIsTheOptionsThenTheEnvironmentsThenTheServices() {
        #expect(ControlSocket.path(option: "/a", environment: "/b") == "/a")
        #expect(ControlSocket.path(option: nil, environment: "/b") == "/b")
        #expect(ControlSocket.path(option: nil, environment: "") == "/run/traveler/control.sock")
    }
}
