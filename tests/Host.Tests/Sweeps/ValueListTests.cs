using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Sweeps;

public sealed class ValueListTests
{
    [Theory]
    [InlineData("1,2,4", "1|2|4")]
    [InlineData("1..4", "1|2|3|4")]
    [InlineData("1..512*2", "1|2|4|8|16|32|64|128|256|512")]
    [InlineData("3..20*3", "3|9")]
    [InlineData("4..12+4, 64", "4|8|12|64")]
    [InlineData("-2..2+2", "-2|0|2")]
    [InlineData("16 KiB..64 KiB*2", "16 KiB|32 KiB|64 KiB")]
    [InlineData("1..3us", "1us|2us|3us")]
    [InlineData("linux, latr", "linux|latr")]
    [InlineData("\"Samples.X, Samples\",linux", "Samples.X, Samples|linux")]
    [InlineData("../a.vmt,b.vmt", "../a.vmt|b.vmt")]
    public void Parse_List_GivesItsValues(string text, string expected) =>
        Assert.Equal(expected.Split('|'), ValueList.Parse(text, "--vary"));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("1,,2", "empty")]
    [InlineData("1,2,1", "1 found twice")]
    [InlineData("4..1", "the first value is the smaller one")]
    [InlineData("1..8*1", "does not go on")]
    [InlineData("1..8+0", "does not go on")]
    [InlineData("0..8*2", "begins above 0")]
    [InlineData("1us..8ms", "different units")]
    [InlineData("\"a", "not closed")]
    [InlineData("1..1000000", "more than 100,000")]
    [InlineData("1..99999999999999999999", "too long")]
    public void Parse_WhatIsNoList_SaysWhatIsWrong(string text, string expected)
    {
        UsageException reason = Assert.Throws<UsageException>(() => ValueList.Parse(text, "--vary x"));
        Assert.StartsWith("--vary x: ", reason.Message, StringComparison.Ordinal);
        Assert.Contains(expected, reason.Message, StringComparison.Ordinal);
    }
}
