using VmSim.Core.Settings;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Sweeps;

public sealed class ThresholdTests
{
    private static readonly string[] Names = ["ipisSent", "minorFaults"];

    [Theory]
    [InlineData("ipisSent > +5 %", 106, "--fail-on ipisSent > +5 %: 106 against 100, +6 %")]
    [InlineData("ipisSent > +5 %", 105, null)]
    [InlineData("ipisSent < -5%", 94, "--fail-on ipisSent < -5%: 94 against 100, -6 %")]
    [InlineData("ipisSent > +5", 106, "--fail-on ipisSent > +5: 106 against 100")]
    [InlineData("ipisSent != +0", 100, null)]
    [InlineData("ipisSent >= 106", 106, "--fail-on ipisSent >= 106: 106")]
    [InlineData("ipisSent > 106", 106, null)]
    [InlineData("ipisSent = 106", 106, "--fail-on ipisSent = 106: 106")]
    public void Broken_ValueAndFirst_AreJudged(string text, double value, string? expected) =>
        Assert.Equal(expected, Threshold.ParseAll([text], allowsChanges: true)[0].Broken(0, value, 100, Names));

    [Fact]
    public void Broken_FromNothing_IsAnyPercentage() => Assert.Equal(
        "--fail-on ipisSent > +5 %: 1 against 0, from nothing",
        Threshold.ParseAll(["ipisSent > +5 %"], allowsChanges: true)[0].Broken(0, 1, 0, Names));

    [Fact]
    public void Broken_Findings_AreCounted()
    {
        Threshold findings = Threshold.ParseAll(["findings"], allowsChanges: false)[0];
        Assert.Null(findings.Broken(0, null, null, Names));
        Assert.Equal("--fail-on findings: 2 findings", findings.Broken(2, null, null, Names));
    }

    [Fact]
    public void Broken_UnknownFigure_NamesTheNearest()
    {
        Threshold threshold = Threshold.ParseAll(["ipiSent > 5"], allowsChanges: false)[0];
        ScenarioException reason = Assert.Throws<ScenarioException>(() => threshold.Broken(0, null, null, Names));
        Assert.Contains("did you mean ipisSent?", reason.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ipisSent", true)]
    [InlineData("ipisSent > five", true)]
    [InlineData("> 5", true)]
    [InlineData("ipisSent > +5 %", false)]
    [InlineData("ipisSent > -5", false)]
    public void Parse_WhatIsNoCondition_IsRefused(string text, bool allowsChanges) =>
        Assert.StartsWith(
            "--fail-on: ",
            Assert.Throws<UsageException>(() => Threshold.ParseAll([text], allowsChanges)).Message,
            StringComparison.Ordinal);
}
