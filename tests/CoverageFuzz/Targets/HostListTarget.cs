using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>A list of hosts. Its hosts, one after another, are a list of the same.</summary>
internal sealed class HostListTarget() : FuzzTarget("host-list", typeof(ScenarioException))
{
    public override IEnumerable<byte[]> Seeds =>
        ((string[])["n[01-04,07],gpu3", "rack[1-2]n[01-10]-ib", "a,b.c,d_e-f", "[1-3]", "n[0-9][00-11]x[5]"]).Select(SeedFiles.Text);

    public override IEnumerable<string> Words => ["[", "]", ",", "-", "[01-", "9]", "[999999999-"];

    protected override void Read(byte[] input)
    {
        IReadOnlyList<string> hosts = HostList.Parse(Encoding.UTF8.GetString(input), "fuzz");
        string text = string.Join(',', hosts);
        if (text.Length <= HostList.LengthMax)
        {
            string again = string.Join(',', HostList.Parse(text, "again"));
            Same("its hosts", Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(again));
        }
    }
}
