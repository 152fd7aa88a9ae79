using VmSim.Core.Addresses;

namespace VmSim.Core.Tests.Addresses;

public sealed class CoreListTests
{
    [Theory]
    [InlineData("0-3,8", 5, 8)]
    [InlineData(" 2 , 1 ", 2, 2)]
    [InlineData("5-5", 1, 5)]
    [InlineData("", 0, -1)]
    public void TryParse_OfAList_NamesItsCores(string text, long count, int greatest)
    {
        Assert.True(CoreList.TryParse(text, out CoreList? cores, out string wrong));
        Assert.Equal((count, greatest, ""), (cores.Count, cores.Greatest, wrong));
        Assert.All(cores.Cores, core => Assert.True(cores.Contains(core)));
        Assert.False(cores.Contains(new CoreId(9)));
        Assert.True(CoreList.TryParse(cores.ToString(), out CoreList? again, out _));
        Assert.Equal(cores.Cores, again.Cores);
    }

    [Theory]
    [InlineData("1,3-2", "3-2")]
    [InlineData("a", "a")]
    [InlineData("-1", "-1")]
    [InlineData("1-2-3", "1-2-3")]
    [InlineData("99999999999", "99999999999")]
    public void TryParse_OfAnythingElse_NamesTheWrongPart(string text, string part)
    {
        Assert.False(CoreList.TryParse(text, out _, out string wrong));
        Assert.Equal(part, wrong);
    }
}
