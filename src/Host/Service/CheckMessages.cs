namespace VmSim.Host.Service;

/// <summary>A scenario that a child is to check, as a line of JSON.</summary>
/// <param name="Scenario">Its text.</param>
/// <param name="HasText">Whether the answer is to have the text with every setting written out.</param>
internal sealed record CheckOrder(string Scenario, bool HasText);

/// <summary>What a child found, as a line of JSON. It has read somebody else's text, so that nothing of it is taken as it is.</summary>
/// <param name="Problem">Why the scenario cannot be run; empty if it can.</param>
/// <param name="Name">Its name.</param>
/// <param name="Text">The scenario, every setting written out, if that was asked for.</param>
/// <param name="Bytes">Bytes that it needs beyond those that a process has.</param>
/// <param name="SharedBytes">How many of those are divided among nodes that have it together.</param>
/// <param name="InAll">Bytes that it needs in all.</param>
/// <param name="UntilSeconds">Virtual time at which it ends; 0 for none.</param>
/// <param name="IsLast">Whether the child ends after that, since something in it may not be as it was.</param>
internal sealed record CheckAnswer(
    string Problem,
    string Name = "",
    string Text = "",
    long Bytes = 0,
    long SharedBytes = 0,
    long InAll = 0,
    double UntilSeconds = 0,
    bool IsLast = false);

/// <summary>A scenario that somebody has checked over HTTP.</summary>
/// <param name="Scenario">Its text.</param>
internal sealed record CheckRequest(string Scenario);

/// <summary>What is answered to that.</summary>
/// <param name="IsGood">Whether it can be run.</param>
/// <param name="Says">Why it cannot, as <c>vmsim run</c> says it; or what it will need.</param>
/// <param name="Line">The line of what is wrong, from 1 on; 0 for none.</param>
/// <param name="Column">The column of it, from 1 on; 0 for the whole line.</param>
/// <param name="MemoryBytes">Bytes that a process needs that makes it; 0 for nothing known.</param>
/// <param name="VirtualSeconds">Virtual time at which it ends if its programs do not end before; 0 for none.</param>
internal sealed record CheckVerdict(bool IsGood, string Says, int Line, int Column, long MemoryBytes, double VirtualSeconds);
