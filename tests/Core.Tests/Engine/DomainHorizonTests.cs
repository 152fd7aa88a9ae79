using CsCheck;
using VmSim.Core.Engine;

namespace VmSim.Core.Tests.Engine;

public sealed class DomainHorizonTests
{
    private static readonly Gen<long> Time = Gen.OneOf(Gen.Long[0, 6], Gen.Const(long.MaxValue));

    [Fact]
    public void Merge_WhatNodesSeeOfOneDomain_PlansLikeASingleNode() =>
        Gen.Select(Time.Array[1, 6].SelectMany(first => Gen.Select(Gen.Const(first), Time.Array[first.Length], Time.Array[first.Length])), Time.Array[1, 3])
            .Sample((cores, groups) =>
            {
                (long[] a, long[] b, long[] c) = cores;
                long[] all = [.. a.Select((time, core) => Math.Min(time, Math.Min(b[core], c[core])))];
                DomainHorizon whole = DomainHorizon.Of(all, groups);
                DomainHorizon merged = DomainHorizon.Empty
                    .Merge(DomainHorizon.Of(c, []))
                    .Merge(DomainHorizon.Of(a, groups))
                    .Merge(DomainHorizon.Of(b, []));
                Assert.Equal(whole.First, merged.First);
                Assert.Equal(whole.Second, merged.Second);
                Assert.Equal(whole.Group, merged.Group);
                Assert.True(whole.First == long.MaxValue || whole.FirstCore == merged.FirstCore);
            });
}
