using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>Lists of hosts as SLURM writes them; the first ones are those of slurm.conf(5) and scontrol(1).</summary>
public sealed class HostListTests
{
    [Theory]
    [InlineData("tux[1-3]", "tux1 tux2 tux3")]
    [InlineData("lx[15,18,32-33]", "lx15 lx18 lx32 lx33")]
    [InlineData("linux[0008-0010]", "linux0008 linux0009 linux0010")]
    [InlineData("rack[0-1]_blade[0-2]", "rack0_blade0 rack0_blade1 rack0_blade2 rack1_blade0 rack1_blade1 rack1_blade2")]
    [InlineData("alpha,beta,gamma", "alpha beta gamma")]
    [InlineData("n[01-04,07],gpu3", "n01 n02 n03 n04 n07 gpu3")]
    [InlineData("n[8-11]-ib.cluster", "n8-ib.cluster n9-ib.cluster n10-ib.cluster n11-ib.cluster")]
    [InlineData("n[08-100]", null)]
    [InlineData("127.0.0.[2-3]", "127.0.0.2 127.0.0.3")]
    [InlineData("[7]", "7")]
    [InlineData("b,a,b,[1-1]", "b a 1")]
    public void Parse_OfAList_NamesItsHosts(string text, string? hosts)
    {
        IReadOnlyList<string> found = HostList.Parse(text, "list");
        if (hosts is null)
        {
            Assert.Equal(93, found.Count);
            Assert.Equal(["n08", "n09", "n10"], found.Take(3));
            Assert.Equal("n100", found[^1]);
            return;
        }

        Assert.Equal(hosts.Split(' '), found);
    }

    [Theory]
    [InlineData("", "0 characters found; 1 to 65536 are allowed")]
    [InlineData("n1,,n2", "a name of 0 characters")]
    [InlineData("n1,", "a name of 0 characters")]
    [InlineData("n[1-3", "] is missing")]
    [InlineData("n[", "a number of 1 to 9 digits is needed")]
    [InlineData("n[]", "a number of 1 to 9 digits is needed")]
    [InlineData("n1]", "no character of a name")]
    [InlineData("n[1-[2-3]]", "a number of 1 to 9 digits is needed")]
    [InlineData("n[[1-2]]", "a number of 1 to 9 digits is needed")]
    [InlineData("n[3-1]", "whose numbers do not rise")]
    [InlineData("n[001-10]", "different leading zeros")]
    [InlineData("n[1-010]", "different leading zeros")]
    [InlineData("n[1-4:2]", "not allowed in brackets")]
    [InlineData("n[a-c]", "a number of 1 to 9 digits is needed")]
    [InlineData("n[1-9999999999]", "a number of 1 to 9 digits is needed")]
    [InlineData("n[0-999999999]", "more than 65536 hosts")]
    [InlineData("n[0-999][0-999]", "more than 65536 hosts")]
    [InlineData("n[0-65535],m", "more than 65536 hosts")]
    [InlineData("n[0-9][0-9][0-9][0-9][0-9]", "more than 4 brackets")]
    [InlineData("n 1", "character 2")]
    [InlineData("n1;rm", "\";rm\" found")]
    [InlineData("n\u0661", "no character of a name")]
    [InlineData("../etc", "no character of a name")]
    public void Parse_OfWhatIsNone_SaysWhatIsWrong(string text, string words)
    {
        string message = Assert.Throws<ScenarioException>(() => HostList.Parse(text, "SLURM_JOB_NODELIST")).Message;
        Assert.StartsWith("SLURM_JOB_NODELIST: ", message, StringComparison.Ordinal);
        Assert.Contains(words, message, StringComparison.Ordinal);
    }

    /// <summary>What is long is refused before it is written out.</summary>
    [Fact]
    public void Parse_OfLongOnes_IsRefused()
    {
        Assert.Contains("a name of 254", Refusal(new string('n', 254)), StringComparison.Ordinal);
        Assert.Contains("a name of 60001", Refusal($"{new string('n', 60_000)}[0-9]"), StringComparison.Ordinal);
        Assert.Contains("of 65537 characters", Refusal(new string('n', 65_537)), StringComparison.Ordinal);
        Assert.Equal(HostList.HostsMax, HostList.Parse($"{new string('n', 248)}[0-65535]", "list").Count);
    }

    private static string Refusal(string text) => Assert.Throws<ScenarioException>(() => HostList.Parse(text, "list")).Message;
}
